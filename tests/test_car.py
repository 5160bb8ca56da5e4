"""The car as physics: what real recordings show, and what a bicycle does."""

import math

import pytest

from protocol.messages import EFFECTIVE_WHEELBASE_M, MPS_PER_MPH, Control
from protocol.pedals import push_mph_per_s, throttle_for
from simulator.world.car import STEP_S, Car


def drive(car: Car, seconds: float, steering: float = 0.0, throttle: float = 0.0, slope: float = 0.0) -> Car:
    car.apply(Control(steering, throttle))
    for _ in range(round(seconds / STEP_S)):
        car.step(slope)
    return car


@pytest.mark.parametrize(
    ("start_mph", "end_mph", "seconds"), [(2.9, 28.6, 2.53), (1.3, 13.8, 1.14), (14.9, 28.6, 1.41)]
)
def test_full_throttle_gains_what_a_recording_shows(start_mph, end_mph, seconds):
    assert drive(Car(0, 0, 0, start_mph), seconds, throttle=1.0).speed_mph == pytest.approx(end_mph, abs=0.8)


def test_coasts_and_brakes_as_recordings_show_and_stops_for_good():
    assert drive(Car(0, 0, 0, 29.8), 1.58).speed_mph == pytest.approx(25.4, abs=0.2)
    braking = Car(0, 0, 0, 29.3)
    assert drive(braking, 1.43, throttle=-0.126).speed_mph == pytest.approx(6.2, abs=0.7), "the wheels are locked"
    assert drive(Car(0, 0, 0, 4.4), 1.04, throttle=-1).speed_mph == pytest.approx(0.2, abs=0.3), "no brakes below 5 mph"
    assert drive(braking, 5, throttle=-1).speed_mph == 0


def test_a_little_brake_is_a_little_and_more_locks_the_wheels():
    losses = [-Car(0, 0, 0, 20, throttle=-t).acceleration_mph_per_s(0.0) - 2 for t in (0.01, 0.02, 0.05, 1.0)]
    assert losses == pytest.approx([5.1, 10.2, 14.5, 14.5])


@pytest.mark.parametrize("push", [-14.0, -3.0, -0.1, 0.0, 4.0, 11.5])
def test_the_throttle_for_a_push_gives_it(push):
    assert push_mph_per_s(throttle_for(push), 20.0) == pytest.approx(push)
    assert throttle_for(-30.0) == -1.0
    assert throttle_for(30.0) == 1.0


def test_top_speed():
    assert drive(Car(0, 0, 0), 20, throttle=1).speed_mph == pytest.approx(30.2)


def test_straight_on_it_goes_the_way_of_its_speed():
    car = Car(0, 0, math.pi / 2, 20, throttle=throttle_for(0.1 * 20))
    for _ in range(round(2 / STEP_S)):
        car.step()
    assert (car.x, car.y) == pytest.approx((0, 2 * 20 * MPS_PER_MPH), abs=0.01)


def test_a_full_circle_has_the_bicycles_radius():
    steering = 0.6
    car = Car(0, 0, 0, 10)
    car.yaw_rate = 10 * MPS_PER_MPH * math.tan(math.radians(25 * steering)) / EFFECTIVE_WHEELBASE_M
    far = 0.0
    for _ in range(3000):
        car.apply(Control(steering, throttle_for(0.1 * car.speed_mph)))
        car.step()
        far = max(far, math.hypot(car.x, car.y))
    assert far == pytest.approx(2 * EFFECTIVE_WHEELBASE_M / math.tan(math.radians(25 * steering)), rel=0.01)


def test_the_yaw_follows_the_wheel_late_and_the_tyres_hold_only_so_much():
    car = drive(Car(0, 0, 0, 10), 0.14, steering=0.2)
    steady = 10 * MPS_PER_MPH * math.tan(math.radians(5)) / EFFECTIVE_WHEELBASE_M
    assert car.yaw_rate == pytest.approx((1 - math.exp(-1)) * steady, rel=0.05)
    fast = drive(Car(0, 0, 0, 30), 1.0, steering=1.0, throttle=1.0)
    assert 20 < fast.yaw_rate * fast.speed_mph * MPS_PER_MPH < 30


def test_positive_steering_turns_right():
    assert drive(Car(0, 0, 0, 10), 0.5, steering=0.5).y < 0


def test_a_climb_costs_speed():
    flat, climb = (drive(Car(0, 0, 0, 20), 1, throttle=0.3, slope=slope).speed_mph for slope in (0.0, 0.1))
    assert flat - climb == pytest.approx(9.81 * 0.1 / math.hypot(1, 0.1) / MPS_PER_MPH, rel=0.06), (
        "drag takes a little of it"
    )
