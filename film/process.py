"""Encodes a film in a process of its own, which takes shots from its standard input and ends with it.

In the server's process the encoder would share Python's lock with the answers, and every answer that came at the wrong
moment would wait for a picture. Here it also outlives its server: killed in the middle of a drive, that leaves a whole
film.

    python -m film.process FILE.mp4 TITLE < pickled shots     (started by film.film only)
"""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import av

from film.overlay import Shot
from film.timeline import PAUSE_S
from film.writer import FilmWriter
from inference.saliency_network import SaliencyNetwork

RATE_WINDOW_S = 1.0
NICENESS = 10


def main(path: Path, title: str, source: BinaryIO) -> int:
    """Write the film of all shots in `source`; the exit code, after a line on stdout that says what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, and the server closes the film
    stand_back()
    rate = AnswerRate()
    opened, network = None, None
    try:
        writer = FilmWriter(path, title)
        try:
            for shot, answered, saliency in _shots(source):
                if saliency != opened:
                    opened, network = saliency, SaliencyNetwork(saliency) if saliency else None
                shown = replace(shot, frame=network.marked(shot.frame)) if network else shot
                writer.write(shown, rate.after(shot.time_s, answered))
        finally:
            writer.close()
    except (OSError, ValueError, av.FFmpegError) as error:
        print(error, flush=True)
        return 1
    return 0


def stand_back() -> None:
    """Let whatever answers go first. On Linux only the time that nobody else wants: less costs answers their p99.

    Where both cores are always busy, pictures are left out and counted.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # where a sandbox forbids that, the film is only less polite
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            return
    if sys.platform != "win32":
        os.nice(NICENESS)


def _shots(source: BinaryIO) -> Iterator[tuple[Shot, int, Path | None]]:
    """Shots, each with the number of answers until it and the saliency file of its model, None where nothing is to be
    marked; they end where the server's end of the pipe does."""
    while True:
        try:
            yield pickle.load(source)  # from our own server, through a pipe that nobody else holds
        except (EOFError, pickle.UnpicklingError):
            return


class AnswerRate:
    """Answers a second over the last second, from the number answered until each picture."""

    def __init__(self) -> None:
        self._history: collections.deque[tuple[float, int]] = collections.deque(maxlen=64)

    def after(self, time_s: float, answered: int) -> float | None:
        """None until half a second is known; begins anew after a pause."""
        if self._history and not 0 <= time_s - self._history[-1][0] <= PAUSE_S:
            self._history.clear()
        self._history.append((time_s, answered))
        while time_s - self._history[0][0] > RATE_WINDOW_S:
            self._history.popleft()
        first_s, first = self._history[0]
        return (answered - first) / (time_s - first_s) if time_s - first_s >= RATE_WINDOW_S / 2 else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.stdin.buffer))
