"""Speed control as physics: the target is reached and held, at any frame rate, and bends are taken slower."""

import math

import numpy as np
import pytest

from inference.policy import Answer
from inference.speed_control import PIController, SpeedTarget, TargetSpeedControl, safe_speed_mph
from simulator.world.car import STEP_S, Car


def drive(controller, seconds, hz=20, speed=0.0, steering=0.0, slope=0.0):
    """Drive the simulator's car straight on, with `hz` controls a second. Returns its speed after each control."""
    car, speeds = Car(0.0, 0.0, 0.0, speed), []
    for i in range(int(seconds * hz)):
        car.throttle = controller.throttle(car.speed_mph, steering, 100 + i / hz)
        for _ in range(round((i + 1) / hz / STEP_S) - round(i / hz / STEP_S)):
            car.step(slope)
        speeds.append(car.speed_mph)
    return speeds


@pytest.mark.parametrize("hz", [5, 10, 20, 60, 200])
@pytest.mark.parametrize("target", [6, 15, 25])
@pytest.mark.parametrize("slope", [-0.3, -0.1, 0.0, 0.3])
def test_the_target_is_reached_and_held_at_any_frame_rate(hz, target, slope):
    speeds = drive(PIController(target), 20, hz, slope=slope)
    assert max(speeds) < target * 1.15 + (0.7 if slope >= 0 else 2.2), "overshoot"
    assert speeds[int(8 * hz)] == pytest.approx(target, abs=1.5)
    assert np.abs(np.array(speeds[int(14 * hz) :]) - target).max() < 0.3, "it stays there, and does not oscillate"


def test_a_hill_does_not_wind_it_up():
    controller = PIController(15)
    drive(controller, 30, slope=0.7)  # too steep to hold 15 mph even at full throttle
    downhill = drive(controller, 5, speed=9.0)
    assert max(downhill) < 18


def test_a_lower_target_is_braked_for():
    controller = PIController(25)
    assert drive(controller, 10)[-1] == pytest.approx(25, abs=0.3)
    controller.target_mph = 10
    slower = drive(controller, 4, speed=25.0)
    assert slower[round(1.5 * 20)] < 13, "at once"
    assert min(slower) > 8
    assert slower[-1] == pytest.approx(10, abs=1)


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
    assert controller.throttle(speeds[-1], 0.0, 123.0) > 0.9, "the bend is over"


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
