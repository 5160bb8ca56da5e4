"""Several simulators drive at once: none steers, delays or outlives another."""

import threading

import pytest

from tests.live_server import Brightness, LiveServer
from tests.raw_client import RawClient, telemetry_packet
from tests.raw_messages import answer, event, grey, nothing_more, steering_of


def test_two_simulators_do_not_steer_each_other(server, simulator):
    with RawClient(server.port) as second:
        for client, level in ((simulator, 0), (second, 255)) * 5:
            client.send(telemetry_packet(grey(level)))
            assert float(answer(client)[1]["steering_angle"]) == pytest.approx(steering_of(level), abs=0.01)
        second.send(event("telemetry", []))
        assert answer(second)[1]["steering_angle"] == "1.0000", "its own last steering"
        assert nothing_more(simulator)
        assert nothing_more(second)


class Deliberate(Brightness):
    """Takes its time over dark frames: until `go`. `busy`: set while it does."""

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.go = threading.Event(), threading.Event()

    def predict(self, frames):
        if frames.mean() < 64:
            self.busy.set()
            assert self.go.wait(60)
        return super().predict(frames)


@pytest.fixture
def deliberate():
    live = LiveServer(Deliberate())
    yield live
    live.close()


def test_a_slow_answer_holds_up_neither_other_simulators_nor_pages(deliberate):
    with RawClient(deliberate.port) as slow, RawClient(deliberate.port) as quick:
        for client in (slow, quick):
            client.send(telemetry_packet(grey(191)))
            answer(client)
        slow.send(telemetry_packet(grey(0)))
        assert deliberate.policy.busy.wait(60)
        for _ in range(20):
            quick.send(telemetry_packet(grey(191)))
            assert answer(quick)[1]["steering_angle"] == "0.4980"
        assert deliberate.get("/healthz").status == 200
        deliberate.policy.go.set()
        assert answer(slow)[1]["steering_angle"] == "-1.0000"
        assert nothing_more(slow)


class ThreadNames(Brightness):
    """Notes on which thread each frame is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def predict(self, frames):
        self.names.append(threading.current_thread().name)
        return super().predict(frames)


def test_a_simulator_that_a_person_drives_costs_another_one_no_change_of_threads():
    live = LiveServer(ThreadNames())
    with RawClient(live.port) as driven, RawClient(live.port) as by_hand:
        by_hand.send(event("telemetry", {}))
        assert answer(by_hand)[0] == "manual"
        driven.send(telemetry_packet(grey(191)))
        answer(driven)
        assert live.policy.names == ["live server"], "on the event loop, as if it were alone"
        by_hand.send(telemetry_packet(grey(191)))
        answer(by_hand)
        driven.send(telemetry_packet(grey(191)))
        answer(driven)
        assert len(set(live.policy.names)) > 1, "now the two take turns on threads"
    live.close()


def test_a_simulator_that_leaves_during_its_answer_leaves_nothing_behind(deliberate):
    with RawClient(deliberate.port) as other:
        other.send(telemetry_packet(grey(191)))
        answer(other)
        with RawClient(deliberate.port, at_once=True) as leaving:
            leaving.send(telemetry_packet(grey(191)))
            answer(leaving)
            leaving.send(telemetry_packet(grey(0)) * 2)  # with a second one behind it, its reader goes on meanwhile
            assert deliberate.policy.busy.wait(60)
        deliberate.wait_until(lambda: len(deliberate.app.sessions) == 1)
        deliberate.policy.go.set()
        deliberate.wait_until(lambda: len(deliberate.policy.answers) == 3)
        other.send(telemetry_packet(grey(191)))
        answer(other)
        assert list(deliberate.controls.view.simulators) == [1]


def test_a_vanished_simulator_frees_its_state_and_its_number(server):
    for _ in range(5):
        with RawClient(server.port) as client:
            client.send(telemetry_packet(grey(9)))
            answer(client)
            assert [session.number for session in server.app.sessions.values()] == [1]
        server.wait_until(lambda: not server.app.sessions)
    server.wait_until(lambda: not server.app.sio.eio.sockets)
    assert not server.app.sio.environ
