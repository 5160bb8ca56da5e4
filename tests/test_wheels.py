"""Where the wheels stand, when a wheel counts as off the carriageway, and when the car is off the road or crashes."""

import math

import numpy as np
import pytest

from protocol.messages import Control
from simulator.world.car import STEP_S, Car
from simulator.world.expert import Expert
from simulator.world.track import Place, Track, open_track
from simulator.world.track_world import TrackWorld
from simulator.world.wheels import ALL_BACK_S, WheelLog, wheel_surfaces

LAKE = open_track("lake")
ON, OFF = ("road",) * 4, ("road", "shoulder", "road", "road")


def wheels_at(track: Track, distance_m: float, offset_m: float, turned_rad: float = 0.0) -> tuple[str, ...]:
    """What the wheels of a car stand on whose rear axle's middle is there, turned left by turned_rad."""
    index = round(distance_m / track.spacing_m) % len(track.points)
    heading = float(track.heading_rad[index])
    x, y = track.points[index] + offset_m * np.array([-math.sin(heading), math.cos(heading)])
    car = Car(float(x), float(y), heading + turned_rad)
    return wheel_surfaces(track, car, track.locate(car.x, car.y, index))


@pytest.mark.parametrize(
    ("distance_m", "offset_m", "turned_rad", "surfaces"),
    [
        (200, 0.0, 0.0, ("road", "road", "road", "road")),
        (200, 2.8, 0.0, ("shoulder", "road", "shoulder", "road")),
        (200, -2.8, 0.0, ("road", "shoulder", "road", "shoulder")),
        (200, 3.6, 0.0, ("shoulder", "road", "shoulder", "road")),
        (200, 4.2, 0.0, ("kerb", "road", "kerb", "road")),
        (480, -3.2, 0.0, ("road", "stripes", "road", "stripes")),
        (70, -4.0, 0.0, ("road", "dirt", "road", "dirt")),
        (700, 4.35, 0.0, ("wall", "road", "wall", "road")),
        (200, 0.0, math.pi / 2, ("road", "road", "road", "road")),
        (200, 1.0, math.pi / 2, ("road", "road", "shoulder", "shoulder")),
        (200, 3.0, -math.pi / 2, ("road", "road", "road", "road")),
    ],
)
def test_each_wheel_has_its_surface(distance_m, offset_m, turned_rad, surfaces):
    """The wheels are a metre beside the middle, and the front axle 2.87 m ahead."""
    assert wheels_at(LAKE, distance_m, offset_m, turned_rad) == surfaces


def test_driven_the_other_way_the_wheels_change_sides():
    for distance_m, offset_m in ((70, -4.0), (480, 3.0), (700, 4.35)):
        rear_left, rear_right, front_left, front_right = wheels_at(LAKE, distance_m, offset_m)
        back = wheels_at(LAKE.reversed(), -distance_m, -offset_m)
        assert back == (rear_right, rear_left, front_right, front_left)


def log_of(*spans: tuple[tuple[str, ...], float]) -> WheelLog:
    """A log of a car that drives at 10 m/s; spans: what its wheels stand on, and for how many seconds."""
    log, distance_m = WheelLog(), 0.0
    for wheels, seconds in spans:
        for _ in range(round(seconds / STEP_S)):
            distance_m += 10 * STEP_S
            log.note(wheels, 10 * STEP_S, Place(0, distance_m, 0.0, 0.0))
    return log


def test_a_departure_ends_when_all_wheels_have_been_back_for_a_while():
    short_s, long_s, step_m = ALL_BACK_S / 2, ALL_BACK_S * 1.5, 10 * STEP_S
    assert log_of((ON, 5.0)).at_m == []
    log = log_of((ON, 5.0), (OFF, 0.3), (ON, short_s), (OFF, 0.4), (ON, long_s), (OFF, 0.2))
    assert log.at_m == pytest.approx([50 + step_m, 50 + 7 + 10 * (short_s + long_s) + step_m])
    assert log.longest_m == pytest.approx(7.0)


def test_the_way_backwards_does_not_shorten_a_departure():
    log = WheelLog()
    for advance_m in (1.0, -3.0, 1.0):
        log.note(OFF, advance_m, Place(0, 0.0, 0.0, 0.0))
    assert log.longest_m == 2.0


def test_a_car_that_is_put_back_departs_anew():
    log = log_of((ON, 1.0), (OFF, 0.1))
    log.note_put_back()
    log.note(OFF, 0.1, Place(0, 99.0, 0.0, 0.0))
    assert len(log.at_m) == 2


def drive_aside(distance_m: float, offset_m: float, seconds: float = 0.5) -> TrackWorld:
    """A world whose car starts beside the road's middle and rolls along."""
    world = TrackWorld(LAKE, None, laps=1)
    world._place_car(round(distance_m / LAKE.spacing_m), offset_m)
    world.car.speed_mph = 10
    world.apply(Control(0.0, 0.3))
    world.step(seconds)
    return world


def test_wheels_off_is_no_intervention_until_the_middle_is_off():
    report = drive_aside(200, 3.0).log.report()
    assert (report.wheels_off_events, report.off_road_events, report.crashes) == (1, 0, 0)
    assert report.wheels_off_at_m == pytest.approx((200,), abs=1)
    assert report.wheels_off_longest_m == pytest.approx(10 * 0.447 * 0.5, abs=0.3)
    assert "a wheel off the carriageway 1 times at 200 m, for at most 2 m" in report.table()
    report = drive_aside(200, 3.8).log.report()
    assert (report.off_road_events, report.crashes) == (1, 0)


def test_a_wheel_at_the_bridges_wall_is_a_crash_though_the_middle_is_on_the_road():
    assert drive_aside(700, 3.0).log.report().off_road_events == 0
    report = drive_aside(700, 4.4).log.report()
    assert (report.off_road_events, report.crashes) == (1, 1)


def test_a_drive_in_the_middle_keeps_all_wheels_on_the_road():
    world = TrackWorld(open_track("jungle"), None, laps=0.3)
    expert = Expert(world, 20)
    while not world.finished:
        world.apply(expert.control())
        world.step(0.05)
    report = world.log.report()
    assert (report.off_road_events, report.wheels_off_events, report.wheels_off_longest_m) == (0, 0, 0)
    assert "a wheel off the carriageway 0 times\n" in report.table() + "\n"
