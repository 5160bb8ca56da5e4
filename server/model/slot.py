"""The place of the model that drives: another is loaded beside it, checked, and takes its place between two frames.

Loading, warming up and asking the golden frame happen on a thread while the old model answers. Whatever goes wrong
there leaves the old one driving and is told; no simulator notices more than another way of steering.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.engine import Engine

log = logging.getLogger(__name__)

MODEL_SUFFIXES = (".h5", ".keras", ".tflite")


class SwapError(ValueError):
    """A model that cannot be loaded now; says why."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A warm and checked model. facts: what is told of it; preprocess: the name it was loaded with, or None."""

    path: Path
    engine: Engine
    facts: dict[str, object] = field(default_factory=dict)
    preprocess: str | None = None


class ModelSlot:
    """A Policy that asks whichever model is in place. load: path -> a warm, checked model; raises ValueError, OSError.

    `loading`: the file that is being loaded, None otherwise; `error`: why the last one was not taken.
    """

    def __init__(self, model: LoadedModel, load: Callable[[Path], LoadedModel]) -> None:
        self.model = model
        self.loading: Path | None = None
        self.error: str | None = None
        self._load = load
        self._predict = model.engine.predict
        self._lock = threading.Lock()
        self._followers: list[Callable[[LoadedModel], None]] = []

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """What the model in place answers: uint8 RGB (n, 160, 320, 3) -> float32 (n,)."""
        return self._predict(frames)

    def follow(self, told: Callable[[LoadedModel], None]) -> None:
        """Call `told` with every model that takes over, on the thread that loaded it."""
        self._followers.append(told)

    def names(self) -> list[str]:
        """Model files in the folder of the one that drives: those that `swap` takes."""
        with_card = {p.name for p in self.model.path.parent.iterdir() if p.suffix in MODEL_SUFFIXES and p.is_file()}
        return sorted(with_card | {self.model.path.name})

    def swap(self, name: str) -> threading.Thread:
        """Begin to load the model of this file name; its thread. Raises SwapError: no such file, or one is loading."""
        if name not in self.names():
            raise LookupError(f"no model {name!r} beside {self.model.path.name}; there are {', '.join(self.names())}")
        path = self.model.path.with_name(name)
        with self._lock:
            if self.loading is not None:
                raise SwapError(f"{self.loading.name} is still loading")
            self.loading, self.error = path, None
        thread = threading.Thread(target=self._take, args=(path,), name="model loading", daemon=True)
        thread.start()
        return thread

    def _take(self, path: Path) -> None:
        try:
            model = self._load(path)
        except Exception as error:  # the edge: whatever a model file does, the old one goes on driving
            self.error = f"{path.name} was not taken: {error}"
            log.error("%s; %s goes on driving", self.error, self.model.path.name)
        else:
            self.model, self._predict = model, model.engine.predict
            log.info("%s drives from now on, in place of the model before", path.name)
            self._tell(model)
        finally:
            self.loading = None

    def _tell(self, model: LoadedModel) -> None:
        for told in self._followers:
            try:
                told(model)
            except Exception:  # the edge: who follows may not disturb the others, nor the next swap
                log.exception("%s drives, but not everybody could be told", model.path.name)
