"""Watches the file of the model that drives, and loads the model again when the file has changed.

It waits until two looks find the file the same, because the file may still be growing. If the new file cannot be
loaded, the old model goes on driving, and the next change of the file starts another attempt.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from server.model.slot import ModelSlot, SwapError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
CLOSE_S = 2.0
"""Closing waits this long for a disk that does not answer."""

Signature = tuple[int, int, int] | None


class ModelWatch:
    """Looks at the file every second on a thread of its own until `close`."""

    def __init__(self, models: ModelSlot, every_s: float = LOOK_EVERY_S) -> None:
        self._models = models
        self._every_s = every_s
        self._path = models.model.path
        self._loaded = self._last = signature(self._path)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="model watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._look()
            except Exception:  # the edge: the folder may be readable again at the next look
                log.exception("the watch could not read %s; it tries again", self._path)

    def _look(self) -> None:
        path = self._models.model.path
        now = signature(path)
        if path != self._path:  # the user chose another model: watch its file from now on
            self._path, self._loaded, self._last = path, now, now
            return
        settled, self._last = now == self._last, now
        if now is None or not settled or now == self._loaded:
            return
        try:
            self._models.swap(path.name)
        except (SwapError, LookupError):
            return  # another model is loading, or the file has just gone: the next look tries again
        self._loaded = now
        log.info("%s has changed and is loaded again", path.name)


def signature(path: Path) -> Signature:
    """Modification time (ns), size (bytes) and inode of a file; None when there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
