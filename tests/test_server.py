"""The wire, with a real server and raw clients: the stock simulator's dialect, and modern clients."""

import logging
import struct
import sys
import threading

import numpy as np
import pytest
import socketio

from protocol.wire import TEST_FIELDS, encode_telemetry
from server.net.transport import LIBRARY_LOGS, SimulatorServer
from tests.conftest import jpeg_of, road_frame
from tests.live_server import Brightness, LiveServer
from tests.raw_client import MASK, RawClient, packet, telemetry_packet
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
        server.policy.answers.clear()
        client.send(b"".join(telemetry_packet(grey(level)) for level in (0, 60, 120, 255)))
        answers = [float(answer(client)[1]["steering_angle"]) for _ in range(4)]
        assert answers == [pytest.approx(1.0, abs=0.01)] * 4
        assert len(server.policy.answers) == 1
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
        "the car keeps its last steering for this frame, without throttle" + times
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
        server.wait_until(lambda: server.app.stopping)
        simulator.send(telemetry_packet(grey(127), speed_mph=speed))
        throttles.append(answer(simulator)[1]["throttle"])
    assert throttles == ["-1.0000", "-1.0000", "0.0000"]
    assert answer(simulator) == ("steer", {"steering_angle": "0.0000", "throttle": "0.0000"})
    stopping.join(10)


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


@pytest.mark.parametrize("error", [AttributeError, KeyError, TypeError, ValueError, RecursionError])
def test_a_fault_in_counting_costs_no_answer_and_makes_no_second_one(server, simulator, monkeypatch, caplog, error):
    def fails(*_):
        raise error("a bug in the metrics")

    for name in ("count_telemetry", "count_answers"):
        monkeypatch.setattr(server.app.metrics, name, fails)
    for level in (191, 0, 191):
        simulator.send(telemetry_packet(grey(level)))
        name, payload = answer(simulator)
        assert (name, payload["throttle"]) == ("steer", "0.3000")
    assert nothing_more(simulator)
    assert caplog.text.count("counting an answer failed") == 1, "it is told once"
    assert "broken JSON" not in caplog.text


@pytest.mark.parametrize("error", [AttributeError, KeyError, TypeError, ValueError])
def test_a_fault_in_a_handler_is_not_taken_for_the_packets(server, simulator, monkeypatch, caplog, error):
    """The handler has sent its answer before it fails: the packet was fine, and there is no second answer."""
    real = server.app._answer

    def fails(sid, session):
        real(sid, session)
        raise error("a bug in the handler")

    monkeypatch.setattr(server.app, "_answer", fails)
    simulator.send(telemetry_packet(grey(191)))
    assert answer(simulator)[1]["throttle"] == "0.3000"
    assert nothing_more(simulator)
    assert "a bug in the handler" in caplog.text


def test_a_crash_in_decoding_is_told_as_one(server, simulator, monkeypatch, caplog):
    def crashes(data):
        raise MemoryError("no room for a picture")

    monkeypatch.setattr("server.core.session.decode_telemetry", crashes)
    simulator.send(telemetry_packet(grey(0)))
    assert answer(simulator)[1]["throttle"] == "0.0000"
    assert "decoding a telemetry failed: MemoryError" in caplog.text
    assert "the model failed" not in caplog.text


def test_a_failing_model_and_a_broken_camera_brake_a_car_that_is_to_stand(server, simulator):
    simulator.send(telemetry_packet(grey(191), speed_mph=12.0))
    answer(simulator)
    server.call(lambda: server.app.pause(True))
    server.policy.fail = RuntimeError("out of cheese")
    for speed, throttle in ((12.0, "-1.0000"), (0.3, "0.0000")):
        simulator.send(telemetry_packet(grey(191), speed_mph=speed))
        assert answer(simulator)[1] == {"steering_angle": "0.4980", "throttle": throttle}
        simulator.send(event("telemetry", {**encode_telemetry(grey(191), 0.0, 0.2, speed), "image": "broken"}))
        assert answer(simulator)[1]["throttle"] == throttle


def test_the_first_frame_is_answered_in_the_simulators_locale_though_it_is_broken(simulator):
    german = encode_telemetry(grey(191), -1.5, 0.25, 9.1234, decimal_comma=True)
    simulator.send(event("telemetry", {**german, "image": "@@@"}))
    assert answer(simulator)[1] == {"steering_angle": "0,0000", "throttle": "0,0000"}


@pytest.mark.parametrize(("mark", "minus"), [("/", "{}-"), (".", "{}-"), (",", "- {}")])
def test_persian_arabic_and_croatian_computers_drive(simulator, mark, minus):
    payload = {name: text.replace(".", mark) for name, text in encode_telemetry(b"", 0.0, 0.2, 9.1234).items()}
    payload["steering_angle"] = minus.format(f"6{mark}0125")
    simulator.send(event("telemetry", {**payload, "image": encode_telemetry(grey(0), 0, 0, 0)["image"]}))
    assert answer(simulator)[1] == {"steering_angle": f"-1{mark}0000", "throttle": f"0{mark}3000"}


def test_a_test_labs_simulator_drives(simulator):
    payload = {**encode_telemetry(grey(191), 0.0, 0.2, 9.0), "lapNumber": "1", "currentWayPoint": "3", "crash": "0"}
    simulator.send(event("telemetry", payload))
    assert answer(simulator)[1] == {"steering_angle": "0.4980", "throttle": "0.3000", **TEST_FIELDS}
    simulator.send(event("telemetry", {"speed": "x"}))
    assert answer(simulator)[1].keys() >= TEST_FIELDS.keys(), "also when a frame is broken, lest it run away"


def test_a_pid_simulator_drives(simulator):
    """The first answer stands in the queue behind the handshake, the second goes out at once: both without a point."""
    for _ in range(2):
        simulator.send(event("telemetry", {**encode_telemetry(grey(191), 0.0, 0.2, 9.0), "cte": "0.7598"}))
        text = simulator.receive_until(b"42")
        assert text == b'42["steer",{"steering_angle":4980e-4,"throttle":3000e-4}]'


def test_a_binary_telemetry_without_its_picture_is_answered_too(simulator):
    head = '451-["telemetry",{"speed":"1","throttle":"0","steering_angle":"0","image":{"_placeholder":true,"num":%s}}]'
    simulator.send(packet(head % 0))
    simulator.send(telemetry_packet(grey(255)))
    answers = [answer(simulator)[1] for _ in range(2)]
    assert [command["throttle"] for command in answers] == ["0.0000", "0.3000"]
    assert answers[1]["steering_angle"] == "1.0000"
    for wrong in (7, '"x"'):
        simulator.send(packet(head % wrong) + b"\x82\x83" + MASK + b"abc")
        assert answer(simulator)[1] == {"steering_angle": "1.0000", "throttle": "0.0000"}
    assert nothing_more(simulator)


def test_observers_may_come_and_go_from_any_thread(server):
    before, interval = server.app._observers, sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def come_and_go():
        for _ in range(500):
            stays, goes = object(), object()
            server.app.add_observer(stays)
            server.app.add_observer(goes)
            server.app.remove_observer(goes)

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(server.app._observers) == len(before) + 3 * 500


def test_views_are_counted_not_answers(server, simulator):
    """The simulator has two telemetries under way and draws one picture for both."""
    for level in (10, 60, 110):
        simulator.send(telemetry_packet(grey(level)) * 2)
        for _ in range(2):
            answer(simulator)
    ((_, session),) = server.app.sessions.items()
    server.wait_until(lambda: session.answered == 6)
    assert session.views == 3


def test_an_error_in_the_libraries_is_told_once(monkeypatch, caplog, capsys):
    """Left to themselves they add handlers of their own, and what they say comes twice."""
    for library_log in LIBRARY_LOGS:
        monkeypatch.setattr(library_log, "handlers", [])
        monkeypatch.setattr(library_log, "level", logging.NOTSET)
    transport = SimulatorServer(unreadable=lambda sid: None)
    for library_log in (transport.logger, transport.eio.logger):
        library_log.info("a detail")
        library_log.error("a bug")
    assert [record.getMessage() for record in caplog.records] == ["a bug", "a bug"], "once for each"
    assert capsys.readouterr().err == ""
