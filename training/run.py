"""A run is a folder: what was asked for, how far it came, and all that is needed to go on.

Training takes an hour and gets interrupted: whatever is on disk here is whole at any moment, so that the same command
goes on from the last finished epoch, to the same result as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np

from models.whole_files import write_csv, write_whole
from training.held_out import Metrics
from training.network import WeightAverage, Weights
from training.recipe import Recipe

UNREADABLE = (ValueError, KeyError, OSError, EOFError, BadZipFile)
"""What numpy raises for an .npz that is not one, or not whole."""


class RunError(ValueError):
    """A run folder that cannot be used; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that decides a run's result.

    recordings: folders, of which stretches are held out; also: trained on whole; tests: held out whole. lap_m: length
    of the recordings' common lap, None if unknown. dagger: rounds of corrections.
    """

    model: str
    recordings: tuple[str, ...]
    seed: int
    lap_m: float | None
    precision: str
    recipe: Recipe
    also: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    dagger: int = 0

    def as_json(self) -> str:
        """Readable, and the same text for the same settings."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def name(self) -> str:
        """`eff-3fa2c1d0`: the model, and a mark that differs where any setting does."""
        return f"{self.model}-{hashlib.sha256(self.as_json().encode()).hexdigest()[:8]}"


class Run:
    """The folder of one run. Raises RunError for a folder that belongs to other settings."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.history: list[dict[str, float]] = []
        self.metrics: Metrics = {}
        self._kept = settings.recipe.driven_checkpoints
        self._metrics = folder / "held_out.json"
        self._checkpoint = folder / "checkpoint.npz"
        self._csv = folder / "epochs.csv"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "settings.json"
        if not config.exists():
            write_whole(config, settings.as_json().encode())
        elif config.read_text(encoding="utf-8") != settings.as_json():
            raise RunError(f"{folder} holds a run with other settings; see {config}, or name another --run folder")
        self.started_s = config.stat().st_mtime

    def save(self, network: keras.Model, average: WeightAverage, epoch: Mapping[str, float]) -> None:
        """Keep the state after one more epoch, and its figures."""
        self.history.append(dict(epoch))
        state = {f"weight_{i}": w for i, w in enumerate(network.get_weights())}
        state |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(network.optimizer.variables)}
        state |= {f"average_{i}": w for i, w in enumerate(average.weights)}
        partial = self._checkpoint.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, updates=average.updates, history=json.dumps(self.history), **state)
        self._keep(average, len(self.history))
        os.replace(partial, self._checkpoint)
        write_csv(self._csv, self.history)

    def _keep(self, average: WeightAverage, epoch: int) -> None:
        """The averaged weights after this epoch, and of the last few."""
        if not self._kept:
            return
        content = io.BytesIO()
        state: dict[str, Any] = {f"average_{i}": w for i, w in enumerate(average.weights)}
        np.savez(content, **state)
        write_whole(self._averages(epoch), content.getvalue())
        self._averages(epoch - self._kept).unlink(missing_ok=True)

    def _averages(self, epoch: int) -> Path:
        return self.folder / f"average-{epoch:03d}.npz"

    def checkpoints(self) -> list[tuple[int, Weights]]:
        """The averaged weights after each of the last epochs, with its number, from 1."""
        found = []
        for epoch in range(max(1, len(self.history) - self._kept + 1), len(self.history) + 1):
            file = self._averages(epoch)
            try:
                with file.open("rb") as opened, np.load(opened, allow_pickle=False) as state:
                    found.append((epoch, _numbered(state, "average")))
            except UNREADABLE as error:
                raise RunError(f"{file} is damaged or gone ({error}); delete {self.folder} to begin again") from None
        return found

    def keep_metrics(self, metrics: Metrics) -> None:
        """What the held-out road says, before it is learned too."""
        self.metrics = metrics
        write_whole(self._metrics, json.dumps(metrics, indent=2).encode())

    def restore(self, network: keras.Model, average: WeightAverage) -> int:
        """Take up the state of the last finished epoch, if there is one; returns how many are done."""
        if not self._checkpoint.exists():
            return 0
        try:
            with self._checkpoint.open("rb") as opened, np.load(opened, allow_pickle=False) as state:
                network.optimizer.build(network.trainable_variables)
                network.set_weights(_numbered(state, "weight"))
                for variable, value in zip(network.optimizer.variables, _numbered(state, "optimizer"), strict=True):
                    variable.assign(value)
                average.weights = _numbered(state, "average")
                average.updates = int(state["updates"])
                self.history = json.loads(str(state["history"]))
                if self._metrics.exists():
                    self.metrics = json.loads(self._metrics.read_text(encoding="utf-8"))
        except UNREADABLE as error:
            raise RunError(f"{self._checkpoint} is damaged ({error}); delete it to begin again") from None
        write_csv(self._csv, self.history)
        return len(self.history)


def _numbered(state: Any, name: str) -> list[Any]:
    return [state[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in state))]
