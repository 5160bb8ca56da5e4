"""Errors in the model, in an observer or in the code of the server cost no answer and make no second one."""

import logging
import sys
import threading

import pytest

from protocol.wire import encode_telemetry
from server.net.transport import LIBRARY_LOGS, SimulatorServer
from tests.live_server import LiveServer
from tests.raw_client import RawClient, telemetry_packet
from tests.raw_messages import answer, event, grey, nothing_more


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


def test_a_crash_in_decoding_is_told_as_one(server, simulator, monkeypatch, caplog):
    def crashes(data):
        raise MemoryError("no room for a picture")

    monkeypatch.setattr("server.core.session.decode_telemetry", crashes)
    simulator.send(telemetry_packet(grey(0)))
    assert answer(simulator)[1]["throttle"] == "0.0000"
    assert "decoding a telemetry failed: MemoryError" in caplog.text
    assert "the model failed" not in caplog.text


@pytest.mark.parametrize("error", [AttributeError, KeyError, TypeError, ValueError, RecursionError])
def test_a_fault_in_counting_costs_no_answer_and_makes_no_second_one(server, simulator, monkeypatch, caplog, error):
    def fails(*_):
        raise error("a bug in the metrics")

    for name in ("count_telemetries", "count_answers"):
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
