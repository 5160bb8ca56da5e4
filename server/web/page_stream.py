"""Streams the newest frame and its figures to a page as server-sent events, as fast as the page reads.

Each turn takes the newest frame, so a slow reader sees fewer frames, not older ones. It delays no answer, because its
greenlet waits for its socket while the others go on.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from typing import Any

from protocol.messages import MAX_STEERING_ANGLE_DEG
from server.net.green import sleep
from server.observers.live_view import SimulatorView
from server.operator_controls import OperatorControls
from server.web.status import status

FRAMES_PER_S = 15
STATUS_EVERY = 8
"""Turns between two `status` events: about twice a second."""

MAX_STREAMS = 16
SEND_BUFFER_BYTES = 65536
"""Room for three frames; with more, a slow reader would first read old frames."""

MAX_IMAGE_BYTES = 300_000


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
        previous: object = None
        turn = 0
        try:
            while not self._controls.app.stopping:
                if turn % STATUS_EVERY == 0:
                    yield _event("status", status(self._controls))
                view = self._chosen(simulator)
                if view is not None and view.latest is not previous:
                    previous = view.latest
                    yield _event("frame", _frame(view))
                turn += 1
                sleep(1 / FRAMES_PER_S)
        finally:
            self.open -= 1

    def _chosen(self, simulator: int | None) -> SimulatorView | None:
        views = self._controls.view.simulators
        number = simulator if simulator in views else min(views, default=None)
        return views.get(number) if number is not None else None


def _frame(view: SimulatorView) -> dict[str, object]:
    """One answer as JSON fields for the page; angles in degrees, positive right."""
    answer = view.latest
    telemetry, control = answer.telemetry, answer.control
    image = telemetry.image if len(telemetry.image) <= MAX_IMAGE_BYTES else b""
    kind = "png" if image[:4] == b"\x89PNG" else "jpeg"
    return {
        "simulator": answer.simulator,
        "time_s": round(answer.time_s, 3),
        "steering": round(control.steering, 4),
        "command_deg": round(control.steering * MAX_STEERING_ANGLE_DEG, 2),
        "wheel_deg": round(telemetry.steering_angle_deg, 2),
        "throttle": round(control.throttle, 3),
        "speed_mph": round(telemetry.speed_mph, 2),
        "latency_ms": round(answer.latency_ms, 2),
        "rate_hz": round(view.rate_hz, 1),
        "image": f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}" if image else None,
    }


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _bound_buffer(environ: dict[str, Any]) -> None:
    """Limit what the system buffers for a page that reads slowly."""
    connection = environ["eventlet.input"].get_socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
