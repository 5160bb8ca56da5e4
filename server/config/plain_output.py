"""Turns what libraries and child processes print into log records, so that every line of a JSON log is JSON.

LiteRT, TensorFlow, FFmpeg and crashing threads write directly to the process's standard error. This module replaces
standard error by a pipe and logs each of its lines. The log itself writes to the former standard error.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from typing import TextIO

STDERR = 2
CLOSE_S = 2.0
"""The end waits this long for child processes that still hold the pipe."""

log = logging.getLogger("stderr")


def divert_stderr() -> TextIO:
    """Log every line that is printed to standard error from now on. Returns the former standard error."""
    terminal = os.fdopen(os.dup(STDERR), "w", encoding="utf-8", errors="replace")
    reading, writing = os.pipe()
    sys.stderr.flush()
    os.dup2(writing, STDERR)
    os.close(writing)
    reader = threading.Thread(target=_read, args=(reading,), name="stderr", daemon=True)
    reader.start()

    def restore() -> None:
        sys.stderr.flush()
        os.dup2(terminal.fileno(), STDERR)  # this closes our end of the pipe
        reader.join(CLOSE_S)

    atexit.register(restore)
    return terminal


def _read(descriptor: int) -> None:
    with os.fdopen(descriptor, "r", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip():
                log.info("%s", line.rstrip())
