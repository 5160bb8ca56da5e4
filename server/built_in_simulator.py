"""A built-in simulator as a client of this very server, in a process of its own.

The two never import each other: the server starts the simulator's command and they meet at the socket, exactly as the
Udacity simulator and the server do.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def parse_simulator(text: str) -> tuple[str, ...]:
    """A track's name, `replay:` or `playback:RECORDING` -> the words of its command, without the server's address.

    Raises ArgumentTypeError.
    """
    kind, _, where = text.partition(":")
    if kind == "playback" and where:
        return ("simulator.playback", str(Path(where).resolve()))
    if kind == "replay" and where:
        return ("simulator", "--track", f"replay:{Path(where).resolve()}")
    if text in ("lake", "mountain") or (kind == "random" and where.isascii() and where.isdigit() and len(where) <= 9):
        return ("simulator", "--track", text)
    raise ArgumentTypeError(
        f"expected lake, mountain, random:SEED, replay:RECORDING or playback:RECORDING, got {text!r}"
    )


def simulator_text(words: tuple[str, ...]) -> str:
    """What parse_simulator was given."""
    return f"playback:{words[-1]}" if words[0] == "simulator.playback" else words[-1]


def start_simulator(words: tuple[str, ...], url: str, plain: bool = True) -> subprocess.Popen[bytes]:
    """Start the client of the server at `url`; it ends by itself when its drive is over, or with this process.

    plain: let it print for people; otherwise its lines go to standard error, without a progress bar.
    """
    for_machines: dict[str, Any] = {"stdout": 2, "env": {**os.environ, "TQDM_DISABLE": "1"}}
    process = subprocess.Popen(
        [sys.executable, "-m", *words, "--url", url], cwd=ROOT, **({} if plain else for_machines)
    )
    atexit.register(process.terminate)
    return process
