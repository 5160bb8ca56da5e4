"""A careful server: its cars stop where the model is lost, everybody is told, and every telemetry is answered."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.answered_frames import JPEG
from tests.live_server import LiveServer
from tests.raw_client import RawClient, packet

IMAGE = base64.b64encode(JPEG).decode()


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """A careful server, whose target is 15 mph."""
    live = LiveServer(careful=True)
    live.pace.hold(15.0)
    yield live
    live.close()


class Car:
    """A test lab's simulator, whose game time goes on by 0.05 s with each telemetry."""

    def __init__(self, client: RawClient) -> None:
        self._client, self._frames = client, 0

    def drive(self, frames: int, speed_mph: float) -> list[dict[str, str]]:
        """The answers to so many telemetries."""
        answers = []
        for _ in range(frames):
            self._frames += 1
            values = {"steering_angle": "0.0000", "throttle": "0.0000", "speed": f"{speed_mph:.4f}", "image": IMAGE}
            values |= {"sim_time": f"{self._frames / 20:.4f}"}
            self._client.send(packet(f"42{json.dumps(['telemetry', values])}"))
            answers.append(json.loads(self._client.receive_until(b"42")[2:])[1])
        return answers


def status(server: LiveServer) -> dict:
    return json.loads(server.get("/api/status").body)


def test_a_careful_car_stops_says_so_and_goes_on(server: LiveServer):
    with RawClient(server.port) as client:
        car = Car(client)
        (answer,) = car.drive(1, 10.0)
        assert float(answer["throttle"]) > 0.3
        assert answer["confidence"] == "1"
        server.policy.confidence = 0.0
        answers = car.drive(12, 10.0)
        assert float(answers[0]["throttle"]) > 0.0, "one odd frame brakes no car"
        assert answers[-1]["throttle"] == "-1.0000"
        assert answers[-1]["confidence"] == "-1"
        assert answers[-1]["uncertainty"] == "1.0000"
        server.wait_until(lambda: status(server)["simulators"][0]["waits"])
        findings = [finding["text"] for finding in status(server)["doctor"]]
        assert any("does not know this view" in text for text in findings)
        server.policy.confidence = 0.99
        assert car.drive(1, 0.0)[0]["throttle"] == "0.0000", "it does not reverse"
        assert float(car.drive(40, 0.0)[-1]["throttle"]) > 0.5
        server.wait_until(lambda: not status(server)["simulators"][0]["waits"])
        server.wait_until(lambda: b"drive_confidence_count 54.0" in server.get("/metrics").body)


def test_a_person_can_still_pause_and_steer(server: LiveServer):
    with RawClient(server.port) as client:
        car = Car(client)
        server.policy.confidence = 0.0
        car.drive(12, 10.0)
        client.send(packet('42["telemetry",{}]'))
        assert b"manual" in client.receive_until(b"42")
        server.wait_until(lambda: not status(server)["simulators"][0]["waits"])
        server.call(lambda: server.app.pause(True))
        assert car.drive(1, 10.0)[0]["throttle"] == "-1.0000"
