"""A server of two workers in a process of its own, and simulators that drive with it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import jpeg_of, road_frame
from tests.raw_client import RawClient, telemetry_packet
from tests.raw_messages import answer
from tests.server_process import ServerProcess

MODEL = "models/eff-small.h5"
VIEWS = [jpeg_of(road_frame(shift)) for shift in (-0.6, 0.0, 0.6)]
TELEMETRIES = [telemetry_packet(view) for view in VIEWS]


class Workers(ServerProcess):
    """A server with two workers, in a session of its own."""

    def __init__(self, *options: str) -> None:
        super().__init__("server/drive.py", MODEL, "--port", "0", "--workers", "2", *options)

    def ask(self, path: str, method: str = "GET", body: object = None) -> tuple[int, bytes]:
        """One HTTP request: code and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
        with connection.getresponse() as reply:
            result = reply.status, reply.read()
        connection.close()
        return result

    def status(self) -> dict[str, Any]:
        """What the page shows."""
        state: dict[str, Any] = json.loads(self.ask("/api/status")[1])
        return state

    def figures(self) -> dict[str, float]:
        """Every sample of /metrics: `name label=value` -> value."""
        return {
            " ".join([sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))]): sample.value
            for family in text_string_to_metric_families(self.ask("/metrics")[1].decode())
            for sample in family.samples
        }

    def loads(self) -> list[float]:
        """How many simulators each worker has."""
        figures = self.figures()
        return [figures[f"drive_worker_simulators worker={place}"] for place in (1, 2)]

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Until `condition()` holds; fails after 60 s."""
        limit = threading.Event()
        for _ in range(1200):
            if condition():
                return
            limit.wait(0.05)
        raise AssertionError("it did not happen within a minute")


def drive(client: RawClient, count: int = 3) -> list[dict[str, str]]:
    """The commands for so many telemetries."""
    commands = []
    for number in range(count):
        client.send(TELEMETRIES[number % len(TELEMETRIES)])
        name, command = answer(client)
        assert name == "steer"
        commands.append(command)
    return commands
