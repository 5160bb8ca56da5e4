"""What the processes of a pool do in tests: as they are told, also to die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from training.jobs.process import tell

_done: list[str] = []
"""The jobs of this process."""


def work(argument: dict[str, Any]) -> dict[str, Any]:
    """Do what `act` says, and tell which jobs this process has done."""
    act, notes = argument["act"], Path(argument["notes"])
    if "folder" in argument:
        return _learn(Path(argument["folder"]), act, notes.parent / "go")
    with notes.open("a") as file:
        file.write(f"{argument['name']}\n")
    if act == "die" or (act == "die once" and notes.read_text().count(f"{argument['name']}\n") == 1):
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "raise":
        raise ValueError("it is\nnot \x1b[31mso")
    if act == "spin":
        while True:
            pass
    if act == "hoard":
        bytearray(8 << 30)
    if act == "fill":
        (notes.parent / "large").write_bytes(bytes(2 << 20))
    while act == "wait" and not (notes.parent / "go").exists():
        time.sleep(0.05)
    if act == "print":
        os.write(2, b"words of a stranger")
    _done.append(argument["name"])
    files = [*Path(argument["file"]).parent.iterdir()] if "file" in argument else []
    read = {"read": {file.name: file.read_text() for file in files}} if files else {}
    gpu = {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES")} if act == "see" else {}
    return {"done": list(_done), "variable": os.environ.get("OF_THE_POOL"), **read, **gpu}


def _learn(folder: Path, act: str, go: Path) -> dict[str, Any]:
    """Fill a folder as a training does: an epoch more at each start, and a model in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint"
    epochs = len(checkpoint.read_text()) if checkpoint.exists() else 0
    checkpoint.write_text("e" * (epochs + 1))
    tell(0.5)
    if act == "die once" and not epochs:
        os.kill(os.getpid(), signal.SIGSEGV)
    while act == "wait" and not go.exists():
        time.sleep(0.05)
    (folder / "below").mkdir(exist_ok=True)
    (folder / "below" / "model").write_text("weights")
    return {"epochs_before": epochs}
