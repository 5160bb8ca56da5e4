"""Marks what a model looks at in camera images, in a process of its own that starts with the first request.

It decodes, marks and encodes at low priority, so that no answer waits for it. On a fully loaded computer it still makes
about one picture a second. It ends after a minute without requests, or when the server is gone.

    python -m server.web.saliency_process < questions > pictures     (started by server.web.saliency_service only)
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C reaches this process too, but the server ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)

import io
import os
import pickle
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from inference.saliency_network import REPLY, Question, SaliencyNetwork
from protocol.images import decode_image

IDLE_S = 60.0
"""The process, with its 60 MB, ends after this long without a question."""

JPEG_QUALITY = 85
NICENESS = 19


class Painter:
    """Answers questions, and keeps the last network open."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._network: SaliencyNetwork | None = None

    def answer(self, question: Question) -> bytes:
        """The marked picture as JPEG. Raises ValueError with a line for the user."""
        if self._network is None or question.file != self._file:
            self._network, self._file = SaliencyNetwork(question.file), question.file
        picture = io.BytesIO()
        Image.fromarray(self._network.marked(decode_image(question.image))).save(picture, "JPEG", quality=JPEG_QUALITY)
        return picture.getvalue()


class Watchdog:
    """Ends the process after `idle_s` without a question; not every system can interrupt a blocked read otherwise."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._question_arrived = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def pat(self) -> None:
        """Note a question."""
        self._question_arrived.set()

    def _watch(self) -> None:
        while self._question_arrived.wait(self._idle_s):
            self._question_arrived.clear()
        os._exit(0)


def main(source: BinaryIO, target: BinaryIO, idle_s: float = IDLE_S) -> None:
    """Answer each question from `source` on `target` until `source` ends."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    painter, watchdog = Painter(), Watchdog(idle_s)
    while True:
        try:
            question: Question = pickle.load(source)  # from this server only, through its own pipe
        except (EOFError, pickle.UnpicklingError):
            return
        watchdog.pat()
        try:
            success, reply = True, painter.answer(question)
        except ValueError as error:
            success, reply = False, str(error).encode()
        try:
            target.write(REPLY.pack(success, len(reply)) + reply)
            target.flush()
        except OSError:  # the server is gone
            return


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
