"""Where the car is comes from fields that nobody promises; the line and the lap times follow from it."""

from __future__ import annotations

import math
import random
import time

import pytest

from protocol.position import MAX_POINTS, NOWHERE, Position, Whereabouts, read_position
from tests.driven_laps import drive

BUILT_IN = {
    "sim_time": "12.5000",
    "cte": "-0.4200",
    "lapNumber": "2",
    "distance": "1300.00",
    "tot_obes": "1",
    "tot_crashes": "0",
    "pos_x": "103.5000",
    "pos_y": "1.7000",
    "pos_z": "-20.2500",
}
TEST_LAB = {"lapNumber": "1", "sim_time": "7", "cte": "-1,2500", "tot_obes": "0", "distance": "88,5", "crash": "0"}


def test_each_simulator_reports_its_part():
    assert read_position(BUILT_IN) == Position(2, 12.5, -0.42, 103.5, -20.25, 1)
    assert read_position(TEST_LAB) == Position(1, 7.0, -1.25, None, None, 0), "its computer writes a decimal comma"
    assert read_position({"cte": 0.76}) == Position(lateral_offset_m=0.76), "a PID simulator"
    assert read_position({}) is read_position({"brake": "0.0000"}) is NOWHERE


HOSTILE = [
    "nan", "inf", "-inf", "1e9", "1e400", 10**400, -(10**400), math.nan, math.inf, True, None, "", "soon", b"1",
    "x" * 10_000_000, [1], {"lap": 1}, [[]] * 1000, "１２", "1;2", "0x10", "--1",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:12])
def test_a_field_without_sense_is_a_field_not_sent(value):
    for name in ("sim_time", "cte", "lapNumber", "tot_obes"):
        assert read_position({name: value}) is NOWHERE
        assert read_position({**BUILT_IN, name: value}) != read_position(BUILT_IN)
    for name in ("pos_x", "pos_z"):
        position = read_position({**BUILT_IN, name: value})
        assert (position.x_m, position.y_m) == (None, None), "half a place is none"
        assert position.lap == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("lapNumber", "-1"), ("lapNumber", "1.5"), ("lapNumber", "100001"), ("tot_obes", "-3"), ("cte", "1000.5"),
     ("sim_time", "-0.1"), ("tot_obes", "0.5")],
)  # fmt: skip
def test_numbers_out_of_range_are_not_believed(name, value):
    assert read_position({name: value}) is NOWHERE


def test_reading_costs_an_answer_nothing():
    many = {**BUILT_IN, **{f"field{i}": "x" * 100 for i in range(10_000)}}
    start = time.thread_time()
    for _ in range(1000):
        read_position(many)
    assert time.thread_time() - start < 0.2, "under 0.2 ms each; 0.03 ms is usual"


def test_laps_are_timed_by_the_simulators_own_clock():
    car = Whereabouts()
    drive(car, 0.0, 300.0)
    assert car.lap_time_s == pytest.approx(29.95)
    assert car.last_lap_s is None
    drive(car, 300.0, 500.0)
    assert car.last_lap_s == pytest.approx(40.0, abs=0.06)
    assert car.lap_time_s == pytest.approx(9.95)


def test_a_simulator_without_a_clock_is_timed_by_ours_from_its_second_lap_on():
    car = Whereabouts()
    for second in range(100):
        car.note(Position(lap=1 + second // 40), 500.0 + second)
        if second < 40:
            assert car.lap_time_s is None, "nobody knows when its first lap began"
    assert (car.lap_time_s, car.last_lap_s) == (19.0, 40.0)


def test_a_lap_that_was_joined_in_the_middle_has_no_time():
    car = Whereabouts()
    drive(car, 500.0, 700.0)
    assert car.lap_time_s is None
    drive(car, 700.0, 1300.0)
    assert car.last_lap_s == pytest.approx(40.0, abs=0.06)


def test_a_lap_that_was_skipped_or_not_counted_has_no_time():
    car = Whereabouts()
    drive(car, 0.0, 100.0)
    car.note(Position(lap=7, game_s=20.0), 0.0)
    assert (car.lap_time_s, car.last_lap_s) == (0.0, None)
    car.note(Position(game_s=25.0), 0.0)
    assert car.lap_time_s is None
    car.note(Position(lap=7, game_s=26.0), 0.0)
    assert car.lap_time_s is None


def test_two_clocks_make_no_time():
    car = Whereabouts()
    drive(car, 0.0, 100.0)
    assert car.lap_time_s is not None
    car.note(Position(lap=1), 1000.0)
    assert car.lap_time_s is None


def test_the_line_grows_to_a_whole_lap_and_then_holds_two():
    car = Whereabouts()
    drive(car, 0.0, 399.0)
    assert 155 <= len(car.line) <= 200
    assert not car.line[0].joined
    assert all(point.joined for point in list(car.line)[1:])
    drive(car, 399.0, 2399.0)
    assert {point.lap for point in car.line} == {5, 6}
    assert len(car.line) < 400 < car.added


def test_a_jump_begins_another_piece():
    car = Whereabouts()
    for x_m in (0.0, 3.0, 6.0, 100.0, 103.0):
        car.note(Position(x_m=x_m, y_m=0.0), 0.0)
    assert [point.joined for point in car.line] == [False, True, True, False, True]


@pytest.mark.parametrize("anew", [Position(lap=1, game_s=50.0), Position(lap=2, game_s=0.0)])
def test_a_drive_that_begins_anew_begins_an_empty_map(anew):
    car = Whereabouts()
    drive(car, 0.0, 500.0)
    car.note(anew, 0.0)
    assert (len(car.line), car.added, car.last_lap_s) == (0, 0, None)


def test_a_car_that_is_everywhere_fills_no_memory():
    car, dice = Whereabouts(), random.Random(0)
    for _ in range(3 * MAX_POINTS):
        car.note(Position(x_m=dice.uniform(-1e5, 1e5), y_m=dice.uniform(-1e5, 1e5)), 0.0)
    assert len(car.line) == MAX_POINTS
