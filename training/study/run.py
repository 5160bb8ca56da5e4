"""One training's folder: what was asked for, how far it came, what came out, and all that is needed to go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np

from models.whole_files import write_csv, write_whole
from training.study.recipes import Recipe

RESULT_KEYS = frozenset(
    ("test_accuracy", "train_accuracy", "test_images", "epochs", "seconds_an_epoch", "file_bytes", "backend")
)


class RunError(ValueError):
    """A run folder that cannot be used; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that decides a training's result. data: the images' digest; seed: of all random choices."""

    task: str
    model: str
    recipe_name: str
    seed: int
    precision: str
    data: str
    recipe: Recipe

    def as_json(self) -> str:
        """Readable, and the same text for the same settings."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def name(self) -> str:
        """`digits-eff-ours-20-seed1`: also the run's folder."""
        return f"{self.task}-{self.model}-{self.recipe_name}-{self.recipe.epochs}-seed{self.seed}"


class Run:
    """The folder of one training. Raises RunError for a folder that belongs to other settings."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.history: list[dict[str, float]] = []
        self._checkpoint = folder / "checkpoint.npz"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "settings.json"
        if not config.exists():
            write_whole(config, settings.as_json().encode())
        elif config.read_text(encoding="utf-8") != settings.as_json():
            raise RunError(f"{folder} holds a run with other settings; see {config}, or name another --run folder")
        self.result: dict[str, Any] = read_result(folder) if (folder / "result.json").exists() else {}

    def save(self, network: keras.Model, epoch: Mapping[str, float]) -> None:
        """Keep the state after one more epoch, and its figures."""
        self.history.append(dict(epoch))
        state: dict[str, Any] = {f"weight_{i}": w for i, w in enumerate(network.get_weights())}
        state |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(network.optimizer.variables)}
        content = BytesIO()
        np.savez(content, history=json.dumps(self.history), **state)
        write_whole(self._checkpoint, content.getvalue())
        write_csv(self.folder / "epochs.csv", self.history)

    def restore(self, network: keras.Model) -> int:
        """Take up the state of the last finished epoch, if there is one; returns how many are done.

        Raises RunError for a damaged checkpoint.
        """
        if not self._checkpoint.exists():
            return 0
        try:
            with np.load(self._checkpoint, allow_pickle=False) as state:
                network.optimizer.build(network.trainable_variables)
                network.set_weights(_numbered(state, "weight"))
                for variable, value in zip(network.optimizer.variables, _numbered(state, "optimizer"), strict=True):
                    variable.assign(value)
                self.history = json.loads(str(state["history"]))
        except (ValueError, KeyError, OSError, BadZipFile) as error:
            raise RunError(f"{self._checkpoint} is damaged ({error}); delete it to begin again") from None
        write_csv(self.folder / "epochs.csv", self.history)
        return len(self.history)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write what came out; the run is then finished, and needs its checkpoint no more."""
        write_whole(self.folder / "result.json", (json.dumps(result, indent=2) + "\n").encode())
        self._checkpoint.unlink(missing_ok=True)


def read_result(folder: Path) -> dict[str, Any]:
    """What came out of a finished run. Raises RunError for a damaged file."""
    path = folder / "result.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}); delete it to train again") from None
    if not isinstance(found, dict) or not set(found) >= RESULT_KEYS:
        raise RunError(f"{path} lacks {', '.join(sorted(RESULT_KEYS))}; delete it to train again")
    return found


def _numbered(state: Any, name: str) -> list[Any]:
    return [state[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in state))]
