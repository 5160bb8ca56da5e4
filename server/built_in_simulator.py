"""Starts a built-in simulator as a client of this server, in a process of its own.

Server and simulator never import each other. The server starts the simulator's command, and the simulator connects to
the server's socket as the Udacity simulator does.
"""

from __future__ import annotations

import atexit
import logging
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentTypeError
from pathlib import Path

from protocol.tracks.names import TRACK_LIST, is_track_name

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
BY_HAND = ("simulator", "--by-hand")
SIMULATORS = f"{TRACK_LIST}, by-hand, replay:RECORDING or playback:RECORDING"
START_S, LOOK_EVERY_S = 30.0, 0.05
STARTING = "the built-in simulator starts and connects by itself"


def parse_simulator(text: str) -> tuple[str, ...]:
    """A track's name, `by-hand`, `replay:RECORDING` or `playback:RECORDING` -> module and arguments.

    The server's address is not among them. Raises ArgumentTypeError.
    """
    kind, _, where = text.partition(":")
    if kind == "playback" and where:
        return ("simulator.playback", str(Path(where).resolve()))
    if kind == "replay" and where:
        return ("simulator", "--track", f"replay:{Path(where).resolve()}")
    if text == "by-hand":
        return BY_HAND
    if is_track_name(text):
        return ("simulator", "--track", text)
    raise ArgumentTypeError(f"expected {SIMULATORS}, got {text!r}")


def simulator_text(command: tuple[str, ...]) -> str:
    """The text that parse_simulator turns into `command`."""
    if command == BY_HAND:
        return "by-hand"
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


class DriveByHand:
    """Opens the page on which a person drives, in a process of its own. url: of this server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._lock = threading.Lock()

    def open(self) -> str:
        """Start it unless it runs; returns the page's address as soon as it answers. Raises OSError."""
        with self._lock:
            return self._open()

    def _open(self) -> str:
        if self._process is None or self._process.poll() is not None:
            with socket.create_server((HOST, 0)) as probe:
                self._port = probe.getsockname()[1]
            self._process = start_simulator((*BY_HAND, "--port", str(self._port)), self._url, plain=False)
        end_s = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < end_s:
            try:
                socket.create_connection((HOST, self._port), timeout=1).close()
                return f"http://{HOST}:{self._port}/"
            except OSError:
                time.sleep(LOOK_EVERY_S)
        raise OSError("the simulator for driving by hand did not start; the server's log says why")
