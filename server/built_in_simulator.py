"""Starts a built-in simulator as a client of this server, in a process of its own.

Server and simulator never import each other. The server starts the simulator's command, and the simulator connects to
the server's socket as the Udacity simulator does.
"""

from __future__ import annotations

import atexit
import logging
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
STARTING = "the built-in simulator starts and connects by itself"


def parse_simulator(text: str) -> tuple[str, ...]:
    """A track's name, `replay:RECORDING` or `playback:RECORDING` -> module and arguments, without the server's address.

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


def simulator_text(command: tuple[str, ...]) -> str:
    """The text that parse_simulator turns into `command`."""
    return f"playback:{command[-1]}" if command[0] == "simulator.playback" else command[-1]


def start_simulator(command: tuple[str, ...], url: str, plain: bool = True) -> subprocess.Popen[bytes]:
    """Start the client of the server at `url`. It ends when its drive is over, or with this process.

    plain: print for people; otherwise all its lines go to standard error.
    """
    log.info(STARTING)
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--url", url], cwd=ROOT, stdout=None if plain else sys.stderr.fileno()
    )
    atexit.register(process.terminate)
    return process
