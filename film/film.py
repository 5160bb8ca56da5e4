"""Films a drive while it is driven: `add` only hands over, drawing and encoding happen in a process of the film's own.

A film must never cost the car a frame: when encoder or disk are slow, pictures are left out; when they fail, the film
ends with a word in the log and the drive goes on.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import queue
import subprocess
import sys
import threading
from pathlib import Path

from film.overlay import Shot
from film.timeline import FrameLimit

log = logging.getLogger(__name__)

MAX_PICTURES_PER_S = 30.0
QUEUE_LENGTH = 64
"""Pictures that may wait for the encoder: 2 s and 10 MB."""

CLOSE_S = 10.0
"""How long the end of a drive waits for a disk that does not answer."""

ROOT = Path(__file__).resolve().parent.parent


class Film:
    """Films in the background. path: an .mp4, replaced if it exists; title: shown under the picture.

    error: why the film ended early, None while all is well. dropped: pictures left out because the encoder was behind.
    saliency: the file (see `conversion.saliency_file`) by which to mark what the model looks at, None not to.
    Raises OSError when the file cannot be written, ValueError for another suffix.
    """

    def __init__(self, path: Path, title: str) -> None:
        if path.suffix.lower() != ".mp4":
            raise ValueError(f"a film's name must end in .mp4, got {path}")
        with open(path, "wb"):
            pass  # Python's own error names the path and the reason
        self.path = path
        self.error: str | None = None
        self.dropped = 0
        self.saliency: Path | None = None
        self._seen = 0
        self._taken = 0
        self._limit = FrameLimit(MAX_PICTURES_PER_S)
        # SimpleQueue is one step in C: no lock is ever held by a thread that the system has put aside.
        self._queue: queue.SimpleQueue[tuple[Shot, int, Path | None] | None] = queue.SimpleQueue()
        self._encoder = subprocess.Popen(
            [sys.executable, "-m", "film.process", str(path.absolute()), title],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._thread = threading.Thread(target=self._hand_over, name="film", daemon=True)
        self._thread.start()

    def add(self, shot: Shot) -> None:
        """Hand over one picture; returns at once. For one thread; leaves out what exceeds 30 pictures a second."""
        self._seen += 1
        if self.error is not None or not self._limit.admits(shot.time_s):
            return
        if self._queue.qsize() >= QUEUE_LENGTH:
            self.dropped += 1
        else:
            self._taken += 1
            self._queue.put((shot, self._seen, self.saliency))

    def close(self) -> None:
        """Encode what is queued and leave a whole file; gives up on a disk that does not answer for 10 s."""
        self._queue.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            self.error = f"still waiting for the disk after {CLOSE_S:g} s"
            log.error("the film %s is not complete: %s", self.path, self.error)
        elif self.error is None:
            if not self._taken:
                log.info("no frame came, so there is no film %s", self.path)
                return
            left_out = f", {self.dropped} pictures left out" if self.dropped else ""
            log.info("filmed %d pictures in %s%s", self._taken, self.path, left_out)

    def _hand_over(self) -> None:
        """Shots to the encoder, as they come; a full pipe makes this thread wait, and nobody else."""
        encoder = self._encoder
        assert encoder.stdin is not None
        assert encoder.stdout is not None
        try:
            with contextlib.suppress(OSError), encoder.stdin:  # broken where it has ended: it says below why
                while (item := self._queue.get()) is not None:
                    pickle.dump(item, encoder.stdin, pickle.HIGHEST_PROTOCOL)
                    encoder.stdin.flush()
            said = encoder.stdout.read().decode(errors="replace").strip()
        except Exception as error:  # the edge: no picture may end this thread unheard
            self.error = f"{type(error).__name__}: {error}"
            log.exception("the film %s ends early, driving goes on", self.path)
            return
        finally:
            encoder.stdout.close()
            encoder.wait()  # it ends with its input
        if encoder.wait():
            self.error = said or f"the encoder ended with {encoder.returncode}"
            log.error("the film %s ends early, driving goes on: %s", self.path, self.error)


def free_path(path: Path) -> Path:
    """This path, or the first of `name-2.mp4`, `name-3.mp4`, ... that is free or empty. Raises FileExistsError."""
    candidates = (path, *(path.with_stem(f"{path.stem}-{n}") for n in range(2, 1000)))
    for candidate in candidates:
        if not candidate.exists() or candidate.stat().st_size == 0:
            return candidate
    raise FileExistsError(f"{path} and 998 more of its name exist")
