"""A driver answers each frame, keeps its head when the model does not, and forgets on reset."""

import math

import numpy as np
import pytest

from inference.driver import Driver, PolicyError
from inference.speed_control import PIController
from protocol.messages import Control, Telemetry
from tests.conftest import road_frame
from tests.frame_policy import ConstantThrottle, FramePolicy


class Says(FramePolicy):
    """A policy that says what it is told."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def predict(self, frames):
        assert frames.shape == (1, 160, 320, 3)
        assert frames.dtype == np.uint8
        return np.float32([self.answers.pop(0)])


def seen(speed_mph=10.0):
    return Telemetry(road_frame(), b"", 0.0, 0.0, speed_mph)


def driver(*answers):
    return Driver(Says(*answers), lambda: ConstantThrottle(0.8))


def test_it_steers_as_the_model_says_within_the_limits():
    d = driver(0.25, -7.0)
    assert d.drive(seen()) == Control(0.25, 0.8)
    assert d.drive(seen()) == Control(-1.0, 0.8)
    assert d.answer == -7.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_is_an_error_and_the_fallback_keeps_the_last_steering(bad):
    d = driver(0.5, bad)
    d.drive(seen())
    with pytest.raises(PolicyError):
        d.drive(seen())
    assert d.fallback() == Control(0.5, 0.0)


def test_reset_forgets():
    d = driver(0.5)
    d.drive(seen())
    d.reset()
    assert d.fallback() == Control(0.0, 0.0)


def test_stopping_brakes_and_then_rests():
    d = driver(0.1, 0.1)
    d.stopping = True
    assert d.drive(seen(10.0)).throttle == -1.0
    assert d.drive(seen(0.4)).throttle == 0.0


def test_a_frame_that_cannot_be_driven_brakes_a_car_that_is_to_stand():
    d = driver(0.25)
    d.drive(seen())
    d.stopping = True
    assert d.fallback(12.0) == Control(0.25, -1.0)
    assert d.speed_mph == 12.0
    assert d.fallback(0.4) == Control(0.25, 0.0)
    assert d.fallback(None) == Control(0.25, 0.0), "unknown: a car that stands would drive backwards"
    d.stopping = False
    assert d.fallback(12.0) == Control(0.25, 0.0)


def test_the_speed_control_lives_in_game_time_where_the_simulator_tells_it():
    class Clocked:
        def __init__(self):
            self.times = []

        def throttle(self, speed_mph, steering, now_s, share):
            self.times.append(now_s)
            return 0.0

    control = Clocked()
    car = Driver(Says(*[0.0] * 5), lambda: control, clock=lambda: 77.0)
    for extras in ({"sim_time": "1,2500"}, {"sim_time": "2.0000"}, {}, {"sim_time": "soon"}, {"sim_time": 3.5}):
        car.drive(Telemetry(road_frame(), b"", 0.0, 0.0, 10.0, extras))
    assert control.times == [1.25, 2.0, 77.0, 77.0, 3.5]


class Integrates:
    """Only the integral of a PIController, at 15 mph."""

    def __init__(self):
        self._controller = PIController(15.0, kp=0.0, ki=0.1)

    def throttle(self, speed_mph, answer, now_s, share=1.0):
        return self._controller.throttle(speed_mph, answer.steering, now_s)


@pytest.mark.parametrize("whole", ["0", "12", 12])
def test_whole_seconds_are_no_clock_for_the_speed_control(whole):
    """Two builds of test labs tell them: between two of them the control would believe that no time has passed."""
    now = [0.0]
    car = Driver(Says(*[0.0] * 40), Integrates, clock=lambda: now[0])
    for _ in range(40):
        now[0] += 0.05
        control = car.drive(Telemetry(road_frame(), b"", 0.0, 0.0, 10.0, {"sim_time": whole}))
    assert control.throttle == pytest.approx(0.1 * 5.0 * 39 * 0.05)
