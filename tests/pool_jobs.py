"""What the processes of a pool do in tests: as they are told, also to die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

_done: list[str] = []
"""The jobs of this process."""


def work(argument: dict[str, Any]) -> dict[str, Any]:
    """Do what `act` says, and tell which jobs this process has done."""
    act, notes = argument["act"], Path(argument["notes"])
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
    return {"done": list(_done), "variable": os.environ.get("OF_THE_POOL"), **read}
