"""Streams the newest frame and its figures to a page as server-sent events, as fast as the page reads.

Each turn takes the newest frame, so a slow reader sees fewer frames, not older ones. It delays no answer, because its
greenlet waits for its socket while the others go on.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

from server.net.green import sleep
from server.observers.live_view import SimulatorView
from server.operator_controls import OperatorControls
from server.web.drive_events import LineReader, frame, history
from server.web.status import status

FRAMES_PER_S = 15
STATUS_EVERY = 8
"""Turns between two `status` events: about twice a second."""

MAX_STREAMS = 16
SEND_BUFFER_BYTES = 65536
"""Room for three frames; with more, a slow reader would first read old frames."""


class Streams:
    """The streams of all pages. `open`: how many there are now."""

    def __init__(self, controls: OperatorControls) -> None:
        self._controls = controls
        self.open = 0
        controls.app.metrics.watch("drive_page_streams", "Open live pages", lambda: self.open)

    def stream(self, simulator: int | None, environ: dict[str, Any]) -> Iterator[str]:
        """Events for one page until it leaves. simulator: its number; None: the lowest that is connected."""
        _bound_buffer(environ)
        environ["eventlet.minimum_write_chunk_size"] = 1  # send each event at once, however small
        return self._events(simulator)

    def _events(self, simulator: int | None) -> Iterator[str]:
        self.open += 1
        line: LineReader | None = None
        previous: object = None
        turn = 0
        try:
            while not self._controls.app.stopping:
                if turn % STATUS_EVERY == 0:
                    yield _event("status", status(self._controls))
                view = self._chosen(simulator)
                if view is not None and (line is None or line.view is not view):
                    line = LineReader(view)
                    yield _event("history", history(view))
                if line is not None and line.view.latest is not previous:
                    previous = line.view.latest
                    yield _event("frame", frame(line.view))
                if line is not None and (news := line.news()):
                    yield _event("line", news)
                turn += 1
                sleep(1 / FRAMES_PER_S)
        finally:
            self.open -= 1

    def _chosen(self, simulator: int | None) -> SimulatorView | None:
        views = self._controls.view.simulators
        number = simulator if simulator in views else min(views, default=None)
        return views.get(number) if number is not None else None


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _bound_buffer(environ: dict[str, Any]) -> None:
    """Limit what the system buffers for a page that reads slowly."""
    connection = environ["eventlet.input"].get_socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
