"""Training runs on the library that has a GPU, or else on one that is installed."""

from __future__ import annotations

import importlib.util
import os

from inference.devices import backend_in_use, gpu_library, nvidia_gpu

LIBRARIES = ("tensorflow", "jax", "torch")
"""Keras' backends, the fastest on a CPU first (docs/benchmarks.md)."""


def choose_backend() -> None:
    """Let Keras use what suits this machine, unless KERAS_BACKEND names a library. Call it before Keras is imported."""
    if backend_in_use() is None and not os.environ.get("KERAS_BACKEND"):
        os.environ["KERAS_BACKEND"] = suitable_backend()


def take_backend(library: str | None) -> None:
    """Let Keras use this library, whatever KERAS_BACKEND says; None: what suits this machine. Call it before Keras."""
    os.environ.pop("KERAS_BACKEND", None)
    if library:
        os.environ["KERAS_BACKEND"] = library
    choose_backend()


def suitable_backend() -> str:
    """Return the name of the library that sees a GPU, else of the first that is installed, else `tensorflow`."""
    library = gpu_library() if nvidia_gpu() else None
    installed = (name for name in LIBRARIES if importlib.util.find_spec(name))
    return library or next(installed, LIBRARIES[0])
