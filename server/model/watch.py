"""Watches the file of the model that drives: when it has been replaced, the new one is loaded and takes over.

A file that is still being written is left alone until two looks find it the same; one that is no good leaves the old
model driving, and the next change is another chance.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from server.model.slot import ModelSlot, SwapError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
CLOSE_S = 2.0
"""How long the end waits for a disk that does not answer."""

Signature = tuple[int, int, int] | None


class ModelWatch:
    """Looks every second, on a thread of its own, until closed."""

    def __init__(self, models: ModelSlot, every_s: float = LOOK_EVERY_S) -> None:
        self._models = models
        self._every_s = every_s
        self._path = models.model.path
        self._taken = self._last = signature(self._path)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="model watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._look()
            except Exception:  # the edge: a folder that cannot be read now may be again
                log.exception("%s could not be looked at", self._path)

    def _look(self) -> None:
        path = self._models.model.path
        now = signature(path)
        if path != self._path:  # another model was chosen: from now on its file is watched
            self._path, self._taken, self._last = path, now, now
            return
        settled, self._last = now == self._last, now
        if now is None or not settled or now == self._taken:
            return
        log.info("%s has changed and is loaded anew", path.name)
        try:
            self._models.swap(path.name)
        except (SwapError, LookupError):
            return  # something else is loading, or it has just gone: the next look will see
        self._taken = now


def signature(path: Path) -> Signature:
    """What changes when a file does; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
