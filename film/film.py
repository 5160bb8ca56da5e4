"""Films a drive in progress: `add` only queues a picture; a separate process draws and encodes it.

A film must never delay an answer. A slow encoder or disk drops pictures; a failure ends the film with an error in the
log, and the drive goes on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from film.overlay import Shot
from film.timeline import FrameLimit

log = logging.getLogger(__name__)

MAX_PICTURES_PER_S = 30.0
QUEUE_LENGTH = 64
"""At most this many pictures wait for the encoder: 2 s and 10 MB."""

STALLED_S, CLOSE_S = 10.0, 60.0
"""At the end of a drive: longest wait for an encoder that takes no further picture, and longest wait in all."""

HURRIED_EVERY_S = 0.5
"""An encoder that has only just begun lowers its priority after it was raised the first time."""

ROOT = Path(__file__).resolve().parent.parent


class Film:
    """Writes a film in the background. path: an .mp4, overwritten if it exists; title: text under the picture.

    error: why the film ended early, else None. dropped: pictures that were left out because the queue was full.
    saliency: the file (see `conversion.saliency_file`) that marks what the model looks at; None marks nothing.
    Raises OSError when the file cannot be written, ValueError for another suffix.
    """

    def __init__(self, path: Path, title: str) -> None:
        if path.suffix.lower() != ".mp4":
            raise ValueError(f"the file name of a film must end in .mp4, got {path}")
        with open(path, "wb"):
            pass  # fails early: Python's error names the path and the reason
        self.path = path
        self.error: str | None = None
        self.dropped = 0
        self.saliency: Path | None = None
        self._answers = 0
        self._latency_ms = 0.0
        self._queued = 0
        self._limit = FrameLimit(MAX_PICTURES_PER_S)
        # SimpleQueue.put is atomic in C: no suspended thread can hold its lock.
        self._queue: queue.SimpleQueue[tuple[Shot, int, float, Path | None] | None] = queue.SimpleQueue()
        self._encoder = subprocess.Popen(
            [sys.executable, "-m", "film.process", str(path.absolute()), title],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._thread = threading.Thread(target=self._send_pictures, name="film", daemon=True)
        self._thread.start()

    def add(self, shot: Shot) -> None:
        """Queue one picture and return at once; pictures beyond 30 a second are skipped. Not thread-safe."""
        self._answers += 1
        self._latency_ms += shot.latency_ms or 0.0
        if self.error is not None or not self._limit.admits(shot.time_s):
            return
        if self._queue.qsize() >= QUEUE_LENGTH:
            self.dropped += 1
        else:
            self._queued += 1
            self._queue.put((shot, self._answers, self._latency_ms, self.saliency))

    def close(self) -> None:
        """Encode the queued pictures and complete the file; give up when the encoder stalls, or after a minute."""
        self._queue.put(None)
        now_s = time.monotonic()
        end_s, stalled_s = now_s + CLOSE_S, now_s + STALLED_S
        waiting = QUEUE_LENGTH + 2
        while self._thread.is_alive() and now_s < min(stalled_s, end_s):
            hurry(self._encoder.pid)
            self._thread.join(HURRIED_EVERY_S)
            now_s = time.monotonic()
            if self._queue.qsize() < waiting:
                waiting, stalled_s = self._queue.qsize(), now_s + STALLED_S
        if self._thread.is_alive():
            self.error = f"{waiting or 'the last'} pictures still wait for a slow disk or a busy processor"
            log.error("the film %s is not complete: %s", self.path, self.error)
        elif self.error is None:
            if not self._queued:
                log.info("no frame arrived, so the film %s was not written", self.path)
                return
            left_out = f", {self.dropped} pictures left out" if self.dropped else ""
            log.info("filmed %d pictures in %s%s", self._queued, self.path, left_out)

    def _send_pictures(self) -> None:
        """Send queued pictures to the encoder; a full pipe blocks only this thread."""
        encoder = self._encoder
        assert encoder.stdin is not None
        assert encoder.stdout is not None
        try:
            # A broken pipe means that the encoder ended; its output gives the reason.
            with contextlib.suppress(OSError), encoder.stdin:
                while (item := self._queue.get()) is not None:
                    pickle.dump(item, encoder.stdin, pickle.HIGHEST_PROTOCOL)
                    encoder.stdin.flush()
            message = encoder.stdout.read().decode(errors="replace").strip()
        except Exception as error:  # the thread's boundary: every failure must reach the log
            self.error = f"{type(error).__name__}: {error}"
            log.exception("the film %s ends early, driving goes on", self.path)
            return
        finally:
            encoder.stdout.close()
            encoder.wait()  # it ends with its input
        if encoder.wait():
            self.error = message or f"the encoder ended with {encoder.returncode}"
            log.error("the film %s ends early, driving goes on: %s", self.path, self.error)


def hurry(encoder: int) -> None:
    """Let the encoder's process have processor time like any other, where the system allows it: the drive is over."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(encoder, os.SCHED_OTHER, os.sched_param(0))


def free_path(path: Path) -> Path:
    """This path or the first of `name-2.mp4`, `name-3.mp4`, ... that is free or empty. Raises FileExistsError."""
    candidates = (path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, 1000)))
    for candidate in candidates:
        if not candidate.exists() or candidate.stat().st_size == 0:
            return candidate
    raise FileExistsError(f"{path} and 998 numbered files of this name exist")
