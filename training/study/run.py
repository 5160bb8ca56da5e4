"""One training's folder holds its settings, its progress, its result, and all that is needed to resume it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from models.whole_files import write_csv, write_whole
from training.run.run_folder import RunError, claim, open_arrays, restore, save
from training.study.recipes import StudyRecipe

RESULT_KEYS = frozenset(
    ("test_accuracy", "train_accuracy", "test_images", "epochs", "seconds_an_epoch", "file_bytes", "backend")
)


@dataclass(frozen=True, slots=True)
class StudySettings:
    """The settings decide a training's result. data: the images' digest; seed: that of all random choices."""

    task: str
    model: str
    recipe_name: str
    seed: int
    precision: str
    data: str
    recipe: StudyRecipe

    def as_json(self) -> str:
        """Return readable JSON, which is the same text for the same settings."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def name(self) -> str:
        """Return a name such as `digits-eff-ours-20-seed1`, which also names the run's folder."""
        return f"{self.task}-{self.model}-{self.recipe_name}-{self.recipe.epochs}-seed{self.seed}"


class StudyRun:
    """The folder of one training. Raises RunError for a folder that belongs to a run with other settings."""

    def __init__(self, folder: Path, settings: StudySettings) -> None:
        self.folder = folder
        self.history: list[dict[str, float]] = []
        self._checkpoint = folder / "checkpoint.npz"
        self._lock = claim(folder, settings.as_json())
        self.result: dict[str, Any] = read_result(folder) if (folder / "result.json").exists() else {}

    def save(self, network: keras.Model, epoch: Mapping[str, float]) -> None:
        """Save the state after one more epoch, and the epoch's figures."""
        self.history.append(dict(epoch))
        save(self._checkpoint, self.history, network)
        write_csv(self.folder / "epochs.csv", self.history)

    def restore(self, network: keras.Model) -> int:
        """Load the state of the last finished epoch, if there is one; returns the number of finished epochs.

        Raises RunError for a damaged checkpoint.
        """
        if not self._checkpoint.exists():
            return 0
        with open_arrays(self._checkpoint, "delete it to begin again") as state:
            self.history = restore(network, state)
        write_csv(self.folder / "epochs.csv", self.history)
        return len(self.history)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result and delete the checkpoint, which a finished run no longer needs."""
        write_whole(self.folder / "result.json", (json.dumps(result, indent=2) + "\n").encode())
        self._checkpoint.unlink(missing_ok=True)


def read_result(folder: Path) -> dict[str, Any]:
    """Read a finished run's result. Raises RunError for a damaged file."""
    path = folder / "result.json"
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}); delete it to train again") from None
    if not isinstance(result, dict) or not set(result) >= RESULT_KEYS:
        raise RunError(f"{path} lacks {', '.join(sorted(RESULT_KEYS))}; delete it to train again")
    return result
