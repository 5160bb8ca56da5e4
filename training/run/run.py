"""A run is a folder that holds the training's settings, its progress, and all that is needed to resume it.

Training takes an hour and gets interrupted. Every file here is whole at any moment, so the same command resumes from
the last finished epoch and gets the same result as without the interruption.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import keras

from models.whole_files import write_csv, write_whole
from training.judge.held_out import Metrics
from training.run.network import WeightAverage, Weights
from training.run.recipe import Recipe
from training.run.run_folder import (
    SETTINGS,
    RunError,
    claim,
    numbered_arrays,
    open_arrays,
    pack_arrays,
    restore,
    save,
)

MAX_SETTINGS_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings decide a run's result.

    recordings: folders, of which stretches are held out; also: folders learned whole; tests: folders held out whole.
    lap_m: length of the recordings' common lap, None if unknown. dagger: rounds of corrections. experts: folders
    learned whole, in which the built-in expert steers.
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
    experts: tuple[str, ...] = ()

    def as_json(self) -> str:
        """Return readable JSON, which is the same text for the same settings."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def name(self) -> str:
        """Return a name such as `eff-3fa2c1d0`: the model, and a hash of all settings."""
        return f"{self.model}-{hashlib.sha256(self.as_json().encode()).hexdigest()[:8]}"


def read_settings(folder: Path) -> TrainingSettings:
    """Read the settings of a run, finished or not. Raises RunError for a folder that holds none of this version."""
    file = folder / SETTINGS
    try:
        with file.open("rb") as content:
            text = content.read(MAX_SETTINGS_BYTES)
        values = json.loads(text, parse_constant=_refuse)
        recipe = Recipe(**_checked(Recipe, values["recipe"]))
        return TrainingSettings(**_checked(TrainingSettings, {**values, "recipe": recipe}))
    except FileNotFoundError:
        raise RunError(f"{folder} is no training's run folder: there is no {SETTINGS} in it") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{file} is damaged or of another version ({error})") from None


def _checked(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with tuples for lists. Raises ValueError for a value that is not of its field's plain type."""
    checked = {name: _as_tuple(value) for name, value in values.items()}
    for name, hint in get_type_hints(kind).items():
        parts = get_args(hint) if type(None) in get_args(hint) else (hint,)
        types = {get_origin(part) or part for part in parts}
        value = checked[name]
        if type(value) not in types and not (type(value) is int and float in types):
            raise ValueError(f"{name} is {str(value)[:60]!r}")
        if hint == tuple[str, ...] and not all(isinstance(item, str) for item in value):
            raise ValueError(f"{name} holds something else than text")
    return checked


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


class TrainingRun:
    """The folder of one run. Raises RunError for a folder that belongs to a run with other settings."""

    def __init__(self, folder: Path, settings: TrainingSettings) -> None:
        self.folder = folder
        self.history: list[dict[str, float]] = []
        self.metrics: Metrics = {}
        recipe = settings.recipe
        self._saved_epochs = max(recipe.driven_checkpoints, recipe.patience + 1 if recipe.patience else 0)
        self._metrics = folder / "held_out.json"
        self._checkpoint = folder / "checkpoint.npz"
        self._csv = folder / "epochs.csv"
        self._lock = claim(folder, settings.as_json())
        self.started_s = (folder / SETTINGS).stat().st_mtime

    def save(self, network: keras.Model, average: WeightAverage, epoch: Mapping[str, float]) -> None:
        """Save the state after one more epoch, and the epoch's figures."""
        self.history.append(dict(epoch))
        averages = {f"average_{i}": w for i, w in enumerate(average.weights)}
        self._save_average(averages, len(self.history))  # before the checkpoint, which must never lack its averages
        save(self._checkpoint, self.history, network, updates=average.updates, **averages)
        write_csv(self._csv, self.history)

    def _save_average(self, averages: Mapping[str, Any], epoch: int) -> None:
        """Save the averaged weights after this epoch, and delete those that are no longer needed."""
        if not self._saved_epochs:
            return
        write_whole(self._averages(epoch), pack_arrays(**averages))
        self._averages(epoch - self._saved_epochs).unlink(missing_ok=True)

    def _averages(self, epoch: int) -> Path:
        return self.folder / f"average-{epoch:03d}.npz"

    def checkpoints(self) -> list[tuple[int, Weights]]:
        """Return the last epochs' numbers, from 1, each with the averaged weights after it."""
        checkpoints = []
        for epoch in range(max(1, len(self.history) - self._saved_epochs + 1), len(self.history) + 1):
            with open_arrays(self._averages(epoch), f"delete {self.folder} to begin again") as state:
                checkpoints.append((epoch, numbered_arrays(state, "average")))
        return checkpoints

    def keep_metrics(self, metrics: Metrics) -> None:
        """Save the held-out figures, before the refit learns that road, too."""
        self.metrics = metrics
        write_whole(self._metrics, json.dumps(metrics, indent=2).encode())

    def restore(self, network: keras.Model, average: WeightAverage) -> int:
        """Load the state of the last finished epoch, if there is one; returns the number of finished epochs."""
        if not self._checkpoint.exists():
            return 0
        with open_arrays(self._checkpoint, "delete it to begin again") as state:
            self.history = restore(network, state)
            average.weights = numbered_arrays(state, "average")
            average.updates = int(state["updates"])
            if self._metrics.exists():
                self.metrics = json.loads(self._metrics.read_text(encoding="utf-8"))
        write_csv(self._csv, self.history)
        return len(self.history)
