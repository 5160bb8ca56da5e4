"""Every run folder holds the run's settings, then a checkpoint of the network and its optimizer.

Steering models and the study's classifiers have their own training loops, but resume after a kill in the same way.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from filelock import FileLock, Timeout

from models.whole_files import write_whole

SETTINGS = "settings.json"

UNREADABLE = (ValueError, KeyError, OSError, EOFError, BadZipFile)
"""NumPy raises these for a file that is no .npz, or not whole."""


class RunError(ValueError):
    """A run folder cannot be used; the message says why and what to do."""


def claim(folder: Path, settings: str) -> FileLock:
    """Create the folder with its settings.json, and return a lock that keeps other processes out while it exists.

    Raises RunError for a folder with other settings, and for one that another process uses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "run.lock", timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{folder} is in use by another process; wait until it ends, or stop it") from None
    config = folder / SETTINGS
    if not config.exists():
        write_whole(config, settings.encode())
    elif config.read_text(encoding="utf-8") != settings:
        raise RunError(f"{folder} holds a run with other settings; see {config}, or name another --run folder")
    return lock


def save(file: Path, history: list[dict[str, float]], network: keras.Model, **more: Any) -> None:
    """Write a checkpoint, whole or not at all: the network, its optimizer, the epochs' figures, and `more` arrays."""
    state = {f"weight_{i}": w for i, w in enumerate(network.get_weights())}
    state |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(network.optimizer.variables)}
    write_whole(file, pack_arrays(history=json.dumps(history), **state, **more))


def pack_arrays(**arrays: Any) -> bytes:
    """Return the arrays as the content of an .npz file."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@contextmanager
def open_arrays(file: Path, advice: str) -> Iterator[Mapping[str, Any]]:
    """Open the arrays of an .npz. Raises RunError with `advice` when they cannot be read, or used in the block."""
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as state:
            yield state
    except UNREADABLE as error:
        raise RunError(f"{file} is damaged or gone ({error}); {advice}") from None


def restore(network: keras.Model, state: Mapping[str, Any]) -> list[dict[str, float]]:
    """Set the network and its optimizer to a checkpoint's state; returns the epochs' figures.

    Raises ValueError and KeyError for a state that does not fit the network.
    """
    network.optimizer.build(network.trainable_variables)
    network.set_weights(numbered_arrays(state, "weight"))
    for variable, value in zip(network.optimizer.variables, numbered_arrays(state, "optimizer"), strict=True):
        variable.assign(value)
    history: list[dict[str, float]] = json.loads(str(state["history"]))
    return history


def numbered_arrays(state: Mapping[str, Any], name: str) -> list[Any]:
    """The arrays `name`_0, `name`_1, ..."""
    return [state[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in state))]
