"""A real server answers a raw client: one answer for each telemetry, of the newest view, until the end."""

import threading

import numpy as np
import pytest

from tests.conftest import jpeg_of, road_frame
from tests.live_server import Brightness
from tests.raw_client import RawClient, packet, telemetry_packet
from tests.raw_messages import answer, event, grey, nothing_more, steering_of


def test_the_stock_simulator_drives(simulator):
    for level in (0, 100, 255):
        simulator.send(telemetry_packet(grey(level)))
        name, payload = answer(simulator)
        assert name == "steer"
        assert set(payload) == {"steering_angle", "throttle"}
        assert all(isinstance(value, str) for value in payload.values())
        assert float(payload["steering_angle"]) == pytest.approx(steering_of(level), abs=0.01)
        assert payload["throttle"] == "0.3000"
    assert nothing_more(simulator)


def test_two_telemetries_at_the_start_get_two_answers(simulator):
    simulator.send(telemetry_packet(grey(50)) + telemetry_packet(grey(50)))
    assert [answer(simulator)[0] for _ in range(2)] == ["steer", "steer"]
    assert nothing_more(simulator)


def test_waiting_telemetries_are_answered_with_the_newest_view(server):
    with RawClient(server.port, at_once=True) as client:
        client.send(telemetry_packet(grey(128)))
        answer(client)
        server.policy.answers.clear()
        client.send(b"".join(telemetry_packet(grey(level)) for level in (0, 60, 120, 255)))
        answers = [float(answer(client)[1]["steering_angle"]) for _ in range(4)]
        assert answers == [pytest.approx(1.0, abs=0.01)] * 4
        assert len(server.policy.answers) == 1
        assert nothing_more(client)


def test_its_own_pings_are_answered_and_a_servers_ping_is_no_event(simulator):
    simulator.send(packet("2"))
    assert simulator.receive() == b"3"


@pytest.mark.parametrize("data", [({},), (None,), ()])
def test_manual_driving(simulator, data):
    simulator.send(event("telemetry", *data))
    assert answer(simulator) == ("manual", {})
    assert nothing_more(simulator)


def test_the_policy_sees_rgb_frames(server, simulator):
    views = []

    class Looks(Brightness):
        def predict(self, frames):
            views.append(frames[0])
            return super().predict(frames)

    server.policy = Looks()
    with RawClient(server.port) as client:
        client.send(telemetry_packet(jpeg_of(road_frame())))
        answer(client)
    assert np.abs(views[0].astype(int) - road_frame()).mean() < 3


def test_views_are_counted_not_answers(server, simulator, monkeypatch):
    """The simulator has two telemetries under way and draws one picture for both."""
    monkeypatch.setattr("server.core.session.SAME_FRAME_S", 60.0)  # this machine may be slow
    for level in (10, 60, 110):
        simulator.send(telemetry_packet(grey(level)) * 2)
        for _ in range(2):
            answer(simulator)
    ((_, session),) = server.app.sessions.items()
    server.wait_until(lambda: session.answered == 6)
    assert session.views == 3


def test_cars_are_braked_and_left_without_throttle_at_the_end(server, simulator):
    simulator.send(telemetry_packet(grey(127), speed_mph=12.0))
    answer(simulator)
    stopping = threading.Thread(target=lambda: server.call(server.app.stop_cars))
    stopping.start()
    throttles = []
    for speed in (8.0, 4.0, 0.5):
        server.wait_until(lambda: server.app.stopping)
        simulator.send(telemetry_packet(grey(127), speed_mph=speed))
        throttles.append(answer(simulator)[1]["throttle"])
    assert throttles == ["-1.0000", "-1.0000", "0.0000"]
    assert answer(simulator) == ("steer", {"steering_angle": "0.0000", "throttle": "0.0000"})
    stopping.join(60)
