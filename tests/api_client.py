"""Requests to a live server's API, and the frames that its car drives by meanwhile."""

from __future__ import annotations

import http.client
import json
from typing import Any

import numpy as np

from tests.conftest import jpeg_of
from tests.live_server import LiveServer
from tests.raw_client import RawClient, telemetry_packet

GREY = jpeg_of(np.full((160, 320, 3), 191, np.uint8))
JSON = {"Content_Type": "application/json"}


def steer(client: RawClient, speed_mph: float = 12.0) -> dict[str, str]:
    """The answer to one frame."""
    client.send(telemetry_packet(GREY, speed_mph))
    return json.loads(client.receive_until(b"42")[2:])[1]


def post(server: LiveServer, path: str, body: object = None, method: str = "POST") -> tuple[int, Any]:
    """Code and JSON of a state-changing request."""
    answer = server.get(f"/api/{path}", method, json.dumps(body).encode() if body is not None else b"", **JSON)
    return answer.status, json.loads(answer.body)


def status(server: LiveServer) -> dict[str, Any]:
    return json.loads(server.get("/api/status").body)


class Stream:
    """A reader of /api/events."""

    def __init__(self, server, query=""):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._connection.request("GET", f"/api/events{query}")
        self.answer = self._connection.getresponse()

    def event(self, name):
        """The data of the next event of this name."""
        while True:
            line = self.answer.readline().strip()
            if line.startswith(b"event: "):
                kind = line[7:].decode()
            elif line.startswith(b"data: ") and kind == name:
                return json.loads(line[6:])

    def close(self):
        self.answer.close()
        self._connection.close()
