"""Paints what a model looks at onto camera pictures, in a process of its own, started when somebody first asks.

It decodes, paints and encodes at the lowest priority that still makes a picture a second where others want all of the
processors, so that no answer waits for it. It ends by itself when it was not asked for a while, or when the server is
gone.

    python -m server.web.saliency_process < questions > pictures     (started by server.web.saliency_service only)
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from inference.saliency_network import REPLY, Question, SaliencyNetwork
from protocol.images import decode_image

IDLE_S = 60.0
"""Unasked for so long, it ends, and its 60 MB with it."""

JPEG_QUALITY = 85
NICENESS = 19


class Painter:
    """Answers questions; keeps the last network open."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._network: SaliencyNetwork | None = None

    def answer(self, question: Question) -> bytes:
        """The picture as JPEG. Raises ValueError with a line for people."""
        if self._network is None or question.file != self._file:
            self._network, self._file = SaliencyNetwork(question.file), question.file
        picture = io.BytesIO()
        Image.fromarray(self._network.marked(decode_image(question.image))).save(picture, "JPEG", quality=JPEG_QUALITY)
        return picture.getvalue()


class Watchdog:
    """Ends the process when nothing was asked for IDLE_S: a blocked read cannot be given up otherwise everywhere."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._asked = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def pat(self) -> None:
        """Something was asked."""
        self._asked.set()

    def _watch(self) -> None:
        while self._asked.wait(self._idle_s):
            self._asked.clear()
        os._exit(0)


def main(source: BinaryIO, target: BinaryIO, idle_s: float = IDLE_S) -> None:
    """Answer each question in `source`, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, and the server ends us
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    painter, watchdog = Painter(), Watchdog(idle_s)
    while True:
        try:
            question: Question = pickle.load(source)  # from our own server, through a pipe that nobody else holds
        except (EOFError, pickle.UnpicklingError):
            return
        watchdog.pat()
        try:
            painted, reply = True, painter.answer(question)
        except ValueError as error:
            painted, reply = False, str(error).encode()
        try:
            target.write(REPLY.pack(painted, len(reply)) + reply)
            target.flush()
        except OSError:  # the server is gone
            return


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
