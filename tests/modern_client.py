"""A client of today's python-socketio, which may begin by polling."""

from __future__ import annotations

import threading

import socketio

from protocol.wire import encode_telemetry
from tests.raw_messages import grey


def answers_to_a_modern_client(port: int, transports: list[str]) -> list[dict[str, str]]:
    """The commands for a black and a white view, and for a white one that is sent as an attachment."""
    client, answers, came = socketio.Client(), [], threading.Event()

    def steer(data: dict[str, str]) -> None:
        answers.append(data)
        came.set()

    client.on("steer", steer)
    client.connect(f"http://127.0.0.1:{port}", transports=transports)
    black, white = (encode_telemetry(grey(level), 0.0, 0.1, 10.0) for level in (0, 255))
    for telemetry in (black, white, {**black, "image": grey(255)}):
        came.clear()
        client.emit("telemetry", telemetry)
        assert came.wait(60)
    client.disconnect()
    return answers
