"""What libraries and child processes print, as records of the log, so that a log for machines is whole JSON.

LiteRT, TensorFlow, FFmpeg and crashing threads write to the process's standard error without asking anybody. Here that
becomes a pipe, and each of its lines a record; the log itself goes on writing where standard error led before.
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
"""How long the end waits for child processes that still hold the pipe."""

log = logging.getLogger("stderr")


def divert_stderr() -> TextIO:
    """Make every line that is printed to standard error a record from now on; where it led before, to write to."""
    terminal = os.fdopen(os.dup(STDERR), "w", encoding="utf-8", errors="replace")
    reading, writing = os.pipe()
    sys.stderr.flush()
    os.dup2(writing, STDERR)
    os.close(writing)
    reader = threading.Thread(target=_read, args=(reading,), name="stderr", daemon=True)
    reader.start()

    def restore() -> None:
        sys.stderr.flush()
        os.dup2(terminal.fileno(), STDERR)  # our end of the pipe is closed by that
        reader.join(CLOSE_S)

    atexit.register(restore)
    return terminal


def _read(descriptor: int) -> None:
    with os.fdopen(descriptor, "r", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip():
                log.info("%s", line.rstrip())
