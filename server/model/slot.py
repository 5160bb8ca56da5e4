"""Holds the model that drives, and replaces it between two frames.

A thread loads, warms up and checks the new model while the old one answers. If that fails, the old model goes on
driving and the log and the page say why. A simulator notices only that the steering changes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from inference.engine import Engine
from inference.observations import Observations
from inference.policy import Answer
from models.adapter.text import ModelSource, model_source
from models.converted import repeats_a_model
from models.keras_files.file_kinds import MODEL_SUFFIXES

log = logging.getLogger(__name__)


class SwapError(ValueError):
    """The model cannot be loaded now; says why."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A warm and checked model. facts: as run_facts gives them; preprocess: the text it was loaded with, or None."""

    path: Path
    engine: Engine
    facts: dict[str, object] = field(default_factory=dict)
    preprocess: str | None = None


class ModelSlot:
    """A Policy that passes each frame to the present model. load: source -> a warm, checked model; ValueError, OSError.

    `model`: the present one; `loading`: the file that is being loaded, or None; `error`: why the last load failed.
    """

    def __init__(self, model: LoadedModel, load: Callable[[ModelSource], LoadedModel]) -> None:
        self.model = model
        self.loading: Path | None = None
        self.error: str | None = None
        self._load = load
        self._texts = {model.path: model.preprocess}  # the last text for each file, for loading it again
        self._lock = threading.Lock()
        self._followers: list[Callable[[LoadedModel], None]] = []

    def answer(self, observations: Observations) -> Answer:
        """The present model's answer."""
        return self.model.engine.answer(observations)

    def follow(self, follower: Callable[[LoadedModel], None]) -> None:
        """Call `follower` with every model that takes over, on the thread that loaded it."""
        self._followers.append(follower)

    def names(self) -> list[str]:
        """The names that `swap` takes: the model files in the present model's folder."""
        folder = self.model.path.parent
        files = (p for p in folder.iterdir() if p.suffix in MODEL_SUFFIXES and p.is_file())
        return sorted({p.name for p in files if not repeats_a_model(p)} | {self.model.path.name})

    def swap(self, name: str) -> threading.Thread:
        """Start to load the model of this file name and return the thread. name: `model.h5`, or `model.h5:TEXT`.

        Raises LookupError when there is no such file, PreprocessingError when its text cannot be read, SwapError while
        another model is loading.
        """
        source = model_source(name)
        if str(source.path) not in self.names():
            raise LookupError(
                f"no model {str(source.path)!r} beside {self.model.path.name}; there are {', '.join(self.names())}"
            )
        path = self.model.path.with_name(source.path.name)
        if source.preprocess is not None:
            self._texts[path] = source.preprocess or None
        with self._lock:
            if self.loading is not None:
                raise SwapError(f"{self.loading.name} is still loading")
            self.loading, self.error = path, None
        thread = threading.Thread(target=self._replace, args=(path,), name="model loading", daemon=True)
        thread.start()
        return thread

    def _replace(self, path: Path) -> None:
        try:
            model = self._load(ModelSource(path, self._texts.get(path)))
        except Exception as error:  # the edge: whatever a model file raises, the old model goes on driving
            self.error = f"{path.name} could not be loaded: {error}"
            log.error("%s; %s goes on driving", self.error, self.model.path.name)
        else:
            self.model = model
            log.info("%s drives from now on", path.name)
            self._notify(model)
        finally:
            self.loading = None

    def _notify(self, model: LoadedModel) -> None:
        for follower in self._followers:
            try:
                follower(model)
            except Exception:  # the edge: a follower may not disturb the others, nor the next swap
                log.exception("%s drives, but a part of the server still shows the old model", model.path.name)
