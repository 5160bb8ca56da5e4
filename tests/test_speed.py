"""Speed control as physics: the target is reached and held, at any frame rate, and bends are taken slower."""

import math

import pytest

from inference.policy import Answer
from inference.speed_control import PIController, SpeedTarget, TargetSpeedControl, safe_speed_mph


def drive(controller, seconds, hz=20, speed=0.0, steering=0.0, hill_mph_s=0.0):
    """The simulator's car: full throttle gains 11 mph/s at 5 mph, 9 at 25; coasting loses 3. Returns speeds."""
    speeds = []
    for i in range(int(seconds * hz)):
        throttle = controller.throttle(speed, steering, 100 + i / hz)
        push = throttle * (11.5 - 0.1 * speed + 3) if throttle > 0 else throttle * 20
        speed = max(0.0, speed + (push - (3 if speed > 0 else 0) - hill_mph_s) / hz)
        speeds.append(speed)
    return speeds


@pytest.mark.parametrize("hz", [5, 10, 20, 60, 200])
@pytest.mark.parametrize("target", [5, 15, 25])
def test_the_target_is_reached_and_held_at_any_frame_rate(hz, target):
    speeds = drive(PIController(target), 20, hz)
    assert max(speeds) < target * 1.15 + 0.5, "overshoot"
    assert speeds[-1] == pytest.approx(target, abs=0.3)
    assert speeds[int(6 * hz)] == pytest.approx(target, abs=1.5)


def test_a_hill_does_not_wind_it_up():
    controller = PIController(15)
    drive(controller, 30, hill_mph_s=12)  # too steep to hold 15 mph even at full throttle
    downhill = drive(controller, 5, speed=9.0)
    assert max(downhill) < 18


def test_bends_are_taken_slower():
    straight = drive(PIController(25), 20)[-1]
    bend = drive(PIController(25), 20, steering=0.4)[-1]
    assert straight == pytest.approx(25, abs=0.3)
    assert bend == pytest.approx(safe_speed_mph(0.4), abs=0.3)
    assert bend < 20


def test_one_straight_frame_in_a_bend_does_not_let_the_car_go():
    controller = PIController(25)
    speeds = drive(controller, 20, steering=0.4)
    in_bend = controller.throttle(speeds[-1], 0.4, 120.0)
    assert controller.throttle(speeds[-1], 0.0, 120.05) == pytest.approx(in_bend, abs=0.25)
    assert controller.throttle(speeds[-1], 0.0, 123.0) == 1.0, "the bend is over"


def test_safe_speed_is_that_of_the_lateral_acceleration():
    radius_m = 2.60 / math.tan(math.radians(12.5))
    assert safe_speed_mph(-0.5) == pytest.approx(math.sqrt(4.1 * radius_m) / 0.44704)
    assert safe_speed_mph(0) == math.inf


def test_it_never_reverses():
    controller = PIController(0.0)
    assert controller.throttle(0.5, 0.0, 1.0) == 0.0
    assert controller.throttle(10.0, 0.0, 1.1) < 0


def test_a_pause_does_not_count():
    controller, paused = PIController(15), PIController(15)
    controller.throttle(10, 0, 0.0)
    paused.throttle(10, 0, 0.0)
    assert controller.throttle(10, 0, 0.2) == paused.throttle(10, 0, 3600.0)


def test_a_constant_throttle_is_constant():
    control = TargetSpeedControl(SpeedTarget(15.0, constant_throttle=0.8))
    assert control.throttle(30, Answer(1.0), 5.0) == 0.8
