"""The car as physics: what real recordings show, and what a bicycle does."""

import math

import pytest

from protocol.messages import EFFECTIVE_WHEELBASE_M, MPS_PER_MPH, Control
from simulator.world.car import STEP_S, Car


def drive(car: Car, seconds: float, steering: float = 0.0, throttle: float = 0.0, slope: float = 0.0) -> Car:
    car.apply(Control(steering, throttle))
    for _ in range(round(seconds / STEP_S)):
        car.step(slope)
    return car


@pytest.mark.parametrize(("speed_mph", "gain"), [(5.0, 11.0), (25.0, 9.0)])
def test_full_throttle_gains_what_recordings_show(speed_mph, gain):
    assert Car(0, 0, 0, speed_mph, throttle=1.0).acceleration_mph_per_s(0.0) == pytest.approx(gain)


def test_coasts_brakes_and_stops_for_good():
    assert drive(Car(0, 0, 0, 20), 2).speed_mph == pytest.approx(14, abs=0.1)
    assert drive(Car(0, 0, 0, 20), 30).speed_mph == 0
    assert drive(Car(0, 0, 0, 20), 5, throttle=-1).speed_mph == 0


def test_top_speed():
    assert drive(Car(0, 0, 0), 20, throttle=1).speed_mph == pytest.approx(30.2)


def test_straight_on_it_goes_the_way_of_its_speed():
    car = Car(0, 0, math.pi / 2, 20, throttle=3.0 / (14.5 - 0.1 * 20))
    for _ in range(200):
        car.step()
    assert (car.x, car.y) == pytest.approx((0, 2 * 20 * MPS_PER_MPH), abs=0.01)


def test_a_full_circle_has_the_bicycles_radius():
    steering = 0.6
    car = Car(0, 0, 0, 10)
    far = 0.0
    for _ in range(3000):
        car.apply(Control(steering, 3.0 / (14.5 - 0.1 * car.speed_mph)))
        car.step()
        far = max(far, math.hypot(car.x, car.y))
    assert far == pytest.approx(2 * EFFECTIVE_WHEELBASE_M / math.tan(math.radians(25 * steering)), rel=0.01)


def test_positive_steering_turns_right():
    assert drive(Car(0, 0, 0, 10), 0.5, steering=0.5).y < 0


def test_a_climb_costs_speed():
    flat, climb = (drive(Car(0, 0, 0, 20), 1, throttle=0.3, slope=slope).speed_mph for slope in (0.0, 0.1))
    assert flat - climb == pytest.approx(9.81 * 0.1 / math.hypot(1, 0.1) / MPS_PER_MPH, rel=0.02)
