"""The wire, with a real server and raw clients: the stock simulator's dialect, and modern clients."""

import struct
import threading

import numpy as np
import pytest
import socketio

from benchmarks.raw_client import MASK, RawClient, packet, telemetry_packet
from protocol.wire import encode_telemetry
from tests.conftest import jpeg_of, road_frame
from tests.live_server import Brightness, LiveServer
from tests.raw_messages import answer, event, grey, nothing_more


def expected(level: int) -> float:
    return level / 127.5 - 1


def test_the_stock_simulator_drives(simulator):
    for level in (0, 100, 255):
        simulator.send(telemetry_packet(grey(level)))
        name, payload = answer(simulator)
        assert name == "steer"
        assert set(payload) == {"steering_angle", "throttle"}
        assert all(isinstance(value, str) for value in payload.values())
        assert float(payload["steering_angle"]) == pytest.approx(expected(level), abs=0.01)
        assert payload["throttle"] == "0.3000"
    assert nothing_more(simulator)


def test_two_telemetries_at_the_start_get_two_answers(simulator):
    simulator.send(telemetry_packet(grey(50)) + telemetry_packet(grey(50)))
    assert [answer(simulator)[0] for _ in range(2)] == ["steer", "steer"]
    assert nothing_more(simulator)


def test_waiting_telemetries_are_answered_with_the_newest_view(server):
    with RawClient(server.port, timeout_s=5, at_once=True) as client:
        client.send(telemetry_packet(grey(128)))
        answer(client)
        server.policy.asked.clear()
        client.send(b"".join(telemetry_packet(grey(level)) for level in (0, 60, 120, 255)))
        answers = [float(answer(client)[1]["steering_angle"]) for _ in range(4)]
        assert answers == [pytest.approx(1.0, abs=0.01)] * 4
        assert len(server.policy.asked) == 1
        assert nothing_more(client)


def test_its_own_pings_are_answered_and_a_servers_ping_is_no_event(simulator):
    simulator.send(packet("2"))
    assert simulator.receive() == b"3"


def test_a_decimal_comma_simulator_is_answered_with_commas(simulator):
    simulator.send(event("telemetry", encode_telemetry(grey(191), -1.5, 0.25, 9.1234, decimal_comma=True)))
    assert answer(simulator)[1] == {"steering_angle": "0,4980", "throttle": "0,3000"}
    simulator.send(event("telemetry", {"speed": "9,0000"}))
    assert answer(simulator)[1] == {"steering_angle": "0,4980", "throttle": "0,0000"}, "also when a frame is bad"


@pytest.mark.parametrize("data", [({},), (None,), ()])
def test_manual_driving(simulator, data):
    simulator.send(event("telemetry", *data))
    assert answer(simulator) == ("manual", {})
    assert nothing_more(simulator)


def test_an_exception_in_the_model_costs_that_frame(server, simulator, caplog):
    simulator.send(telemetry_packet(grey(191)))
    answer(simulator)
    server.policy.fail = RuntimeError("out of cheese")
    for _ in range(12):
        simulator.send(telemetry_packet(grey(0)))
        assert answer(simulator)[1] == {"steering_angle": "0.4980", "throttle": "0.0000"}
    assert [r.getMessage() for r in caplog.records if "out of cheese" in r.getMessage()] == [
        "simulator 1: the model failed on a frame: RuntimeError('out of cheese'); "
        "this frame keeps the last steering, without throttle" + times
        for times in ("", " (10 such so far)")
    ]
    server.policy.fail = None
    simulator.send(telemetry_packet(grey(0)))
    assert answer(simulator)[1]["steering_angle"] == "-1.0000"


def test_two_simulators_do_not_steer_each_other(server, simulator):
    with RawClient(server.port) as second:
        for client, level in ((simulator, 0), (second, 255)) * 5:
            client.send(telemetry_packet(grey(level)))
            assert float(answer(client)[1]["steering_angle"]) == pytest.approx(expected(level), abs=0.01)
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
            assert self.go.wait(10)
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
        assert deliberate.policy.busy.wait(10)
        for _ in range(20):
            quick.send(telemetry_packet(grey(191)))
            assert answer(quick)[1]["steering_angle"] == "0.4980"
        assert deliberate.get("/healthz").status == 200
        deliberate.policy.go.set()
        assert answer(slow)[1]["steering_angle"] == "-1.0000"
        assert nothing_more(slow)


def test_a_simulator_that_leaves_during_its_answer_leaves_nothing_behind(deliberate):
    with RawClient(deliberate.port) as other:
        other.send(telemetry_packet(grey(191)))
        answer(other)
        with RawClient(deliberate.port, at_once=True) as leaving:
            leaving.send(telemetry_packet(grey(191)))
            answer(leaving)
            leaving.send(telemetry_packet(grey(0)) * 2)  # with a second one behind it, its reader goes on meanwhile
            assert deliberate.policy.busy.wait(10)
        deliberate.wait_until(lambda: len(deliberate.app.connections) == 1)
        deliberate.policy.go.set()
        deliberate.wait_until(lambda: len(deliberate.policy.asked) == 3)
        other.send(telemetry_packet(grey(191)))
        answer(other)
        assert list(deliberate.cockpit.view.simulators) == [1]


def test_a_vanished_simulator_frees_its_state_and_its_number(server):
    for _ in range(5):
        with RawClient(server.port) as client:
            client.send(telemetry_packet(grey(9)))
            answer(client)
            assert [c.session.number for c in server.app.connections.values()] == [1]
        server.wait_until(lambda: not server.app.connections)
    server.wait_until(lambda: not server.app.sio.eio.sockets)
    assert not server.app.sio.environ


def test_a_telemetry_in_fragments_with_a_ping_between_is_whole(simulator):
    whole = telemetry_packet(grey(255), cut=False)
    head = 2 if whole[1] & 127 < 126 else 4
    payload = np.frombuffer(whole[head + 4 :], np.uint8)
    cut = 4 * (len(payload) // 8)

    def frame(first: int, part: np.ndarray) -> bytes:
        return bytes([first, 0x80 | 126]) + struct.pack("!H", len(part)) + MASK + part.tobytes()

    simulator.send(frame(0x01, payload[:cut]) + bytes([0x89, 0x80]) + MASK + frame(0x80, payload[cut:]))
    assert answer(simulator)[1]["steering_angle"] == "1.0000"


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_modern_client_drives_on_the_same_port(server, transports):
    client, answers, came = socketio.Client(), [], threading.Event()

    def steer(data):
        answers.append(data)
        came.set()

    client.on("steer", steer)
    client.connect(f"http://127.0.0.1:{server.port}", transports=transports)
    for level in (0, 255):
        came.clear()
        client.emit("telemetry", encode_telemetry(grey(level), 0.0, 0.1, 10.0))
        assert came.wait(5)
    came.clear()
    client.emit("telemetry", {**encode_telemetry(grey(0), 0.0, 0.1, 10.0), "image": grey(255)})  # binary attachment
    assert came.wait(5)
    client.disconnect()
    assert [a["steering_angle"] for a in answers] == ["-1.0000", "1.0000", "1.0000"]


def test_cars_are_braked_and_left_without_throttle_at_the_end(server, simulator):
    simulator.send(telemetry_packet(grey(127), speed_mph=12.0))
    answer(simulator)
    stopping = threading.Thread(target=lambda: server.call(server.app.stop_cars))
    stopping.start()
    throttles = []
    for speed in (8.0, 4.0, 0.5):
        server.wait_until(lambda: all(c.session.driver.stopping for c in server.app.connections.values()))
        simulator.send(telemetry_packet(grey(127), speed_mph=speed))
        throttles.append(answer(simulator)[1]["throttle"])
    assert throttles == ["-1.0000", "-1.0000", "0.0000"]
    assert answer(simulator) == ("steer", {"steering_angle": "0.0000", "throttle": "0.0000"})
    stopping.join(10)


def test_the_policy_sees_rgb_frames(server, simulator):
    seen = []

    class Looks(Brightness):
        def predict(self, frames):
            seen.append(frames[0])
            return super().predict(frames)

    server.policy = Looks()
    with RawClient(server.port) as client:
        client.send(telemetry_packet(jpeg_of(road_frame())))
        answer(client)
    assert np.abs(seen[0].astype(int) - road_frame()).mean() < 3


def test_a_failing_observer_is_dropped_and_every_telemetry_has_one_answer():
    class Fails:
        calls = 0

        def answered(self, answer):
            self.calls += 1
            raise TypeError("a bug")

        def close(self):
            pass

    fails = Fails()
    server = LiveServer(observers=[fails])
    with RawClient(server.port) as client:
        for _ in range(3):
            client.send(telemetry_packet(grey(0)))
            answer(client)
        assert nothing_more(client)
    server.close()
    assert fails.calls == 1
