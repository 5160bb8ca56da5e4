"""A run is a folder: what was asked for, how far it came, and all that is needed to go on.

Training takes an hour and gets interrupted: whatever is on disk here is whole at any moment, so that the same command
goes on from the last finished epoch, to the same result as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from models.whole_files import write_csv, write_whole
from training.judge.held_out import Metrics
from training.run.network import WeightAverage, Weights
from training.run.recipe import Recipe
from training.run.run_folder import SETTINGS, claim, numbered, opened, packed, restore, save


@dataclass(frozen=True, slots=True)
class TrainingSettings:
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


class TrainingRun:
    """The folder of one run. Raises RunError for a folder that belongs to other settings."""

    def __init__(self, folder: Path, settings: TrainingSettings) -> None:
        self.folder = folder
        self.history: list[dict[str, float]] = []
        self.metrics: Metrics = {}
        recipe = settings.recipe
        self._kept = max(recipe.driven_checkpoints, recipe.patience + 1 if recipe.patience else 0)
        self._metrics = folder / "held_out.json"
        self._checkpoint = folder / "checkpoint.npz"
        self._csv = folder / "epochs.csv"
        self._lock = claim(folder, settings.as_json())
        self.started_s = (folder / SETTINGS).stat().st_mtime

    def save(self, network: keras.Model, average: WeightAverage, epoch: Mapping[str, float]) -> None:
        """Keep the state after one more epoch, and its figures."""
        self.history.append(dict(epoch))
        averages = {f"average_{i}": w for i, w in enumerate(average.weights)}
        self._keep(averages, len(self.history))  # first: a checkpoint must never lack its averages
        save(self._checkpoint, self.history, network, updates=average.updates, **averages)
        write_csv(self._csv, self.history)

    def _keep(self, averages: Mapping[str, Any], epoch: int) -> None:
        """The averaged weights after this epoch, and of the last few."""
        if not self._kept:
            return
        write_whole(self._averages(epoch), packed(**averages))
        self._averages(epoch - self._kept).unlink(missing_ok=True)

    def _averages(self, epoch: int) -> Path:
        return self.folder / f"average-{epoch:03d}.npz"

    def checkpoints(self) -> list[tuple[int, Weights]]:
        """The averaged weights after each of the last epochs, with its number, from 1."""
        found = []
        for epoch in range(max(1, len(self.history) - self._kept + 1), len(self.history) + 1):
            with opened(self._averages(epoch), f"delete {self.folder} to begin again") as state:
                found.append((epoch, numbered(state, "average")))
        return found

    def keep_metrics(self, metrics: Metrics) -> None:
        """What the held-out road says, before it is learned too."""
        self.metrics = metrics
        write_whole(self._metrics, json.dumps(metrics, indent=2).encode())

    def restore(self, network: keras.Model, average: WeightAverage) -> int:
        """Take up the state of the last finished epoch, if there is one; returns how many are done."""
        if not self._checkpoint.exists():
            return 0
        with opened(self._checkpoint, "delete it to begin again") as state:
            self.history = restore(network, state)
            average.weights = numbered(state, "average")
            average.updates = int(state["updates"])
            if self._metrics.exists():
                self.metrics = json.loads(self._metrics.read_text(encoding="utf-8"))
        write_csv(self._csv, self.history)
        return len(self.history)
