"""What every run's folder is: its settings first, then a checkpoint that holds the network and its optimizer.

Steering and the study's classifiers train in loops of their own, but go on after a kill in the same way.
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
"""What numpy raises for an .npz that is not one, or not whole."""


class RunError(ValueError):
    """A run folder that cannot be used; says why and what to do."""


def claim(folder: Path, settings: str) -> FileLock:
    """Make the folder with its settings.json; other processes are kept out as long as the lock that it returns lives.

    Raises RunError where other settings are there, or another process at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "run.lock", timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{folder} is in use by another process; let it finish, or stop it to go on here") from None
    config = folder / SETTINGS
    if not config.exists():
        write_whole(config, settings.encode())
    elif config.read_text(encoding="utf-8") != settings:
        raise RunError(f"{folder} holds a run with other settings; see {config}, or name another --run folder")
    return lock


def save(file: Path, history: list[dict[str, float]], network: keras.Model, **more: Any) -> None:
    """Write a checkpoint, whole or not at all: the network, its optimizer, the epochs' figures, and what else."""
    state = {f"weight_{i}": w for i, w in enumerate(network.get_weights())}
    state |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(network.optimizer.variables)}
    write_whole(file, packed(history=json.dumps(history), **state, **more))


def packed(**arrays: Any) -> bytes:
    """An .npz."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@contextmanager
def opened(file: Path, advice: str) -> Iterator[Mapping[str, Any]]:
    """The arrays of an .npz. Raises RunError with `advice` where they cannot be read, or used in the block."""
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as state:
            yield state
    except UNREADABLE as error:
        raise RunError(f"{file} is damaged or gone ({error}); {advice}") from None


def restore(network: keras.Model, state: Mapping[str, Any]) -> list[dict[str, float]]:
    """Give a checkpoint's state to the network and its optimizer; the epochs' figures. Raises ValueError, KeyError."""
    network.optimizer.build(network.trainable_variables)
    network.set_weights(numbered(state, "weight"))
    for variable, value in zip(network.optimizer.variables, numbered(state, "optimizer"), strict=True):
        variable.assign(value)
    history: list[dict[str, float]] = json.loads(str(state["history"]))
    return history


def numbered(state: Mapping[str, Any], name: str) -> list[Any]:
    """The arrays `name`_0, `name`_1, ..."""
    return [state[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in state))]
