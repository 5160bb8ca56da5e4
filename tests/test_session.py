"""A session counts what waits, and knows whether the model drives its car and the car moves."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from inference.driver import Driver
from protocol.wire import encode_telemetry
from server.core import session as session_module
from server.core.session import DRIVEN_S, SAME_FRAME_S, SimulatorSession
from tests.conftest import jpeg_of
from tests.frame_policy import ConstantThrottle, FramePolicy
from tests.live_server import Brightness
from tests.raw_messages import grey

GREY = jpeg_of(np.full((160, 320, 3), 127, np.uint8))


class Straight(FramePolicy):
    def predict(self, frames):
        return np.zeros(len(frames), np.float32)


class Degrees(FramePolicy):
    def predict(self, frames):
        return np.full(len(frames), 12.5, np.float32)


@pytest.fixture
def session():
    return SimulatorSession(1, Driver(Straight(), lambda: ConstantThrottle(0.3)))


def drive(session, speed_mph):
    session.note_answers(1, session.respond(encode_telemetry(GREY, 0.0, 0.2, speed_mph)))


def test_a_car_rolls_while_the_model_drives_it_and_it_moves(session):
    assert not session.rolling, "before the first telemetry"
    for speed_mph, rolling in ((12.0, True), (0.5, False), (-3.0, True)):
        drive(session, speed_mph)
        assert session.speed_mph == pytest.approx(speed_mph)
        assert session.rolling is rolling
    session.last_telemetry_s -= DRIVEN_S + 0.1
    assert not session.rolling, "its simulator is silent"
    session.note_answers(1, session.respond({}))
    assert session.manual
    assert not session.rolling, "a person drives"


def test_a_car_that_has_sent_telemetry_rolls_only_after_its_first_answer(session):
    session.respond(encode_telemetry(GREY, 0.0, 0.2, 12.0))
    assert session.speed_mph == pytest.approx(12.0)
    assert not session.rolling


def test_a_reply_tells_the_models_answer_before_the_limits():
    session = SimulatorSession(1, Driver(Degrees(), lambda: ConstantThrottle(0.3)))
    reply = session.respond(encode_telemetry(GREY, 0.0, 0.2, 12.0))
    assert (reply.control.steering, reply.answer) == (1.0, 12.5)
    assert session.respond(encode_telemetry(b"no picture", 0.0, 0.2, 12.0)).answer is None
    assert session.respond({}).answer is None, "a person drives"


def test_latency_is_counted_from_the_oldest_telemetry_that_waits(session):
    session.note_telemetry("first")
    arrived_s = session.arrived_s
    time.sleep(0.002)
    session.note_telemetry("second")
    assert (session.waiting, session.newest, session.arrived_s) == (2, "second", arrived_s)
    session.waiting = 0
    session.note_telemetry("third")
    assert session.arrived_s > arrived_s


@pytest.mark.parametrize("pause", [False, True])
def test_only_the_end_of_a_pause_resets_the_driver(session, pause):
    drive(session, 12.0)
    session.pause(pause)
    assert session.speed_mph == pytest.approx(12.0)
    session.pause(False)
    assert (session.speed_mph == 0.0) is pause


def test_the_same_picture_again_at_once_is_no_further_view(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(session_module, "time", SimpleNamespace(perf_counter=lambda: now[0], monotonic=lambda: now[0]))
    session = SimulatorSession(1, Driver(Brightness(), lambda: ConstantThrottle(0.3)))
    for later_s, level, fresh in ((0.0, 10, True), (0.001, 10, False), (0.001, 60, True), (2 * SAME_FRAME_S, 60, True)):
        now[0] += later_s
        assert session.respond(encode_telemetry(grey(level), 0.0, 0.2, 10.0)).fresh is fresh
    session.respond({"speed": "broken"})
    assert session.views == 3
