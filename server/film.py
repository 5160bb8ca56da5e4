"""Films a drive while it is driven: `add` only hands over, drawing and encoding happen on a thread of the film's own.

A film must never cost the car a frame: when encoder or disk are slow, pictures are left out; when they fail, the film
ends with a word in the log and the drive goes on.
"""

from __future__ import annotations

import collections
import logging
import os
import queue
import sys
import threading
from pathlib import Path

import av

from server.film_writer import FilmWriter, FrameLimit
from server.hud import Shot
from server.observers import Answered

log = logging.getLogger(__name__)

MAX_PICTURES_PER_S = 30.0
QUEUE_LENGTH = 64
"""Pictures that may wait for the encoder: 2 s and 10 MB."""

CLOSE_S = 10.0
"""How long the end of a drive waits for a disk that does not answer."""

RATE_WINDOW_S = 1.0
SILENT_S = 2.0
"""After this long without a frame, the film follows another simulator if there is one."""

NICENESS = 10


class Film:
    """Films in the background. path: an .mp4, replaced if it exists; title: shown under the picture.

    error: why the film ended early, None while all is well. dropped: pictures left out because the encoder was behind.
    Raises OSError when the file cannot be written, ValueError for another suffix.
    """

    def __init__(self, path: Path, title: str) -> None:
        if path.suffix.lower() != ".mp4":
            raise ValueError(f"a film's name must end in .mp4, got {path}")
        self.path = path
        self.error: str | None = None
        self.dropped = 0
        self._writer = FilmWriter(path, title)
        self._seen = 0
        self._limit = FrameLimit(MAX_PICTURES_PER_S)
        # SimpleQueue is one step in C: no lock is ever held by a thread that the system has put aside.
        self._queue: queue.SimpleQueue[tuple[Shot, int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="film", daemon=True)
        self._thread.start()

    def add(self, shot: Shot) -> None:
        """Hand over one picture; returns at once. For one thread; leaves out what exceeds 30 pictures a second."""
        self._seen += 1
        if self.error is not None or not self._limit.admits(shot.time_s):
            return
        if self._queue.qsize() >= QUEUE_LENGTH:
            self.dropped += 1
        else:
            self._queue.put((shot, self._seen))

    def close(self) -> None:
        """Encode what is queued and leave a whole file; gives up on a disk that does not answer for 10 s."""
        self._queue.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            self.error = f"still waiting for the disk after {CLOSE_S:g} s"
            log.error("the film %s is not complete: %s", self.path, self.error)
        elif self.error is None:
            if not self._writer.frames:
                log.info("no frame came, so there is no film %s", self.path)
                return
            left_out = f", {self.dropped} pictures left out" if self.dropped else ""
            log.info("filmed %.1f s in %s%s", self._writer.duration_s, self.path, left_out)

    def _work(self) -> None:
        _yield_to_others()
        try:
            self._encode_all()
        except (OSError, ValueError, av.FFmpegError) as error:
            self.error = str(error)
            log.error("the film %s ends after %.1f s, driving goes on: %s", self.path, self._writer.duration_s, error)

    def _encode_all(self) -> None:
        rate = AnswerRate()
        try:
            while (item := self._queue.get()) is not None:
                shot, seen = item
                self._writer.write(shot, rate.after(shot.time_s, seen))
        finally:
            self._writer.close()


class AnswerRate:
    """Answers a second over the last second, from the number answered until each picture."""

    def __init__(self) -> None:
        self._history: collections.deque[tuple[float, int]] = collections.deque(maxlen=64)

    def after(self, time_s: float, answered: int) -> float | None:
        """None until half a second is known; begins anew after a pause."""
        if self._history and not 0 <= time_s - self._history[-1][0] <= SILENT_S:
            self._history.clear()
        self._history.append((time_s, answered))
        while time_s - self._history[0][0] > RATE_WINDOW_S:
            self._history.popleft()
        first_s, first = self._history[0]
        return (answered - first) / (time_s - first_s) if time_s - first_s >= RATE_WINDOW_S / 2 else None


class DriveFilm:
    """An Observer that films one simulator, and the next one when it falls silent.

    path: where that file exists already, drive.mp4 becomes drive-2.mp4 and so on: no drive replaces another's film.
    Raises OSError or ValueError, as Film does.
    """

    def __init__(self, path: Path, title: str) -> None:
        self._film = Film(free_path(path), title)
        self.path = self._film.path
        if self.path != path:
            log.info("%s exists, so this drive is filmed in %s", path, self.path)
        self._simulator = 0
        self._last_s = float("-inf")

    def answered(self, answer: Answered) -> None:
        """Hand over one frame and its answer."""
        if answer.simulator != self._simulator and answer.time_s - self._last_s < SILENT_S:
            return
        self._simulator, self._last_s = answer.simulator, answer.time_s
        telemetry, control = answer.telemetry, answer.control
        self._film.add(
            Shot(
                answer.time_s,
                telemetry.frame,
                control.steering,
                control.throttle,
                telemetry.speed_mph,
                answer.latency_ms,
            )
        )

    def close(self) -> None:
        """Leave a whole file."""
        self._film.close()


def free_path(path: Path) -> Path:
    """This path, or the first of `name-2.mp4`, `name-3.mp4`, ... that is free or empty. Raises FileExistsError."""
    candidates = (path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, 1000)))
    for candidate in candidates:
        if not candidate.exists() or candidate.stat().st_size == 0:
            return candidate
    raise FileExistsError(f"{path} and 998 more of its name exist")


def _yield_to_others() -> None:
    """Let the thread that answers go first, where the system can set one thread's priority."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
