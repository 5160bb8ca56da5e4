"""Encodes a film in a separate process, which reads pictures from its standard input until that closes.

In the server's process the encoder would share Python's global lock, and answers would wait for pictures. A separate
process also survives a killed server and completes the film.

    python -m film.process FILE.mp4 TITLE < pickled shots     (only film.film starts it)
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # both may reach all processes, also during the imports; then the server closes the film
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

import collections
import contextlib
import os
import pickle
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

WINDOW_S = 1.0
NICENESS = 10


def main(path: Path, title: str, source: BinaryIO) -> int:
    """Write the film of all shots in `source` and return the exit code; an error is one line on stdout."""
    lower_priority()
    pace = AnswerPace()
    network_file, network = None, None
    try:
        writer = FilmWriter(path, title)
        try:
            for shot, answers, latency_ms, saliency in _shots(source):
                if saliency != network_file:
                    network_file, network = saliency, SaliencyNetwork(saliency) if saliency else None
                frame = network.marked(shot.frame) if network else shot.frame
                rate_hz, mean_ms = pace.after(shot.time_s, answers, latency_ms)
                writer.write(replace(shot, frame=frame, latency_ms=mean_ms), rate_hz)
        finally:
            writer.close()
    except (OSError, ValueError, av.FFmpegError) as error:
        print(error, flush=True)
        return 1
    return 0


def lower_priority() -> None:
    """Give the server's answers priority over the film.

    On Linux the process runs only on idle processor time, because a higher priority raises the answers' p99. If all
    cores are always busy, pictures are dropped and counted.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            return
    if sys.platform != "win32":
        os.nice(NICENESS)


def _shots(source: BinaryIO) -> Iterator[tuple[Shot, int, float, Path | None]]:
    """Yield shots until the server closes the pipe.

    Each comes with the number of answers so far, their latencies' sum, and the saliency file of its model, None to
    mark nothing.
    """
    while True:
        try:
            yield pickle.load(source)  # trusted: only the server holds the other end of the pipe
        except (EOFError, pickle.UnpicklingError):
            return


class AnswerPace:
    """Computes answers per second and their mean latency over the last second, from the sums at each picture."""

    def __init__(self) -> None:
        self._history: collections.deque[tuple[float, int, float]] = collections.deque(maxlen=64)

    def after(self, time_s: float, answers: int, latency_ms: float) -> tuple[float | None, float | None]:
        """Record the number of answers at time_s and the sum of their latencies; returns rate in Hz and mean in ms.

        Both are None until half a second is covered. A pause discards the history.
        """
        if self._history and not 0 <= time_s - self._history[-1][0] <= PAUSE_S:
            self._history.clear()
        self._history.append((time_s, answers, latency_ms))
        while time_s - self._history[0][0] > WINDOW_S:
            self._history.popleft()
        first_s, first, first_ms = self._history[0]
        if time_s - first_s < WINDOW_S / 2:
            return None, None
        return (answers - first) / (time_s - first_s), (latency_ms - first_ms) / max(1, answers - first)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.stdin.buffer))
