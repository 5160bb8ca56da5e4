"""The panel shows what it is told, whatever that is, and is cheap enough to stand beside a fast server."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest

from film.lettering import GREEN, MINUS, RED, text_width
from film.overlay import (
    NUMBERS_S,
    PANEL_ROWS,
    SPEED_LEFT,
    STEERING_LEFT,
    THROTTLE_LEFT,
    VALUE_SIZE,
    VALUE_TOP,
    WHEEL_LEFT,
    WHEEL_SIZE,
    WIDTH,
    Overlay,
    Shot,
)
from tests.conftest import road_frame

SHOT = Shot(0.0, road_frame(), 0.2, 0.5, 15.0, 1.8)


def panel(shot: Shot, elapsed_s: float = 1.0, rate_hz: float | None = None) -> np.ndarray:
    """The first panel of a film."""
    return Overlay("eff.h5").panel(shot, elapsed_s, rate_hz)


def changed_columns(first: Shot, second: Shot) -> set[int]:
    before, after = panel(first, 1.0, 20.0), panel(second, 1.0, 20.0)
    return set(np.flatnonzero((before != after).any(axis=(0, 2))).tolist())


def test_each_instrument_moves_alone_and_by_its_own_value():
    steering = changed_columns(SHOT, replace(SHOT, steering=-0.2))
    assert any(c < WHEEL_LEFT + WHEEL_SIZE for c in steering)
    assert any(90 <= c < 190 for c in steering)
    assert max(steering) < 190
    speed = changed_columns(SHOT, replace(SHOT, speed_mph=27.3))
    assert speed
    assert min(speed) >= 190
    assert max(speed) < 290
    latency = changed_columns(SHOT, replace(SHOT, latency_ms=9.4))
    assert latency
    assert min(latency) >= 430
    assert max(latency) < 540


@pytest.mark.parametrize(("steering", "degrees"), [(0.5, 12.5), (-0.5, 12.5), (1.0, 25.0), (0.04, 1.0)])
def test_steering_is_shown_in_degrees_of_the_front_wheels(steering, degrees):
    """Its digits, after the sign, are those that the speed shows for as many miles an hour."""
    rows = panel(replace(SHOT, steering=steering, speed_mph=degrees))[VALUE_TOP : VALUE_TOP + VALUE_SIZE]
    sign, width = text_width("+" if steering > 0 else MINUS, VALUE_SIZE), text_width(str(degrees), VALUE_SIZE)
    shown = rows[:, STEERING_LEFT + sign : STEERING_LEFT + sign + width]
    np.testing.assert_array_equal(shown, rows[:, SPEED_LEFT : SPEED_LEFT + width])


@pytest.mark.parametrize(("throttle", "colour", "other"), [(0.5, GREEN, RED), (-0.5, RED, GREEN)])
def test_gas_fills_the_right_half_and_the_brake_the_left(throttle, colour, other):
    picture = panel(replace(SHOT, throttle=throttle))
    columns = np.flatnonzero((picture == colour).all(axis=2).any(axis=0))
    middle = THROTTLE_LEFT + 61
    assert len(columns) == pytest.approx(30, abs=2)
    assert (columns >= middle).all() if throttle > 0 else (columns <= middle).all()
    assert not (picture == other).all(axis=2).any()


def test_the_wheel_turns_the_way_the_car_does():
    """The blue mark at the wheel's top goes to the right for a right turn."""

    def mark(steering: float) -> float:
        wheel = panel(replace(SHOT, steering=steering))[:, : WHEEL_LEFT + WHEEL_SIZE].astype(int)
        return float(np.flatnonzero((wheel[..., 2] - wheel[..., 0] > 100).any(axis=0)).mean())

    assert mark(-0.5) < mark(0.0) - 5 < mark(0.5) - 10


def test_picture_is_the_camera_in_its_colours_above_the_panel():
    picture = Overlay("eff.h5").picture(SHOT, 1.0, 20.0)
    assert picture.shape == (400, 640, 3)
    assert picture.dtype == np.uint8
    assert picture[20, 320].tolist() == SHOT.frame[10, 160].tolist()
    np.testing.assert_array_equal(picture[320:], panel(SHOT, 1.0, 20.0))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1e30])
def test_any_number_can_be_drawn(value):
    shot = Shot(0.0, SHOT.frame, value, value, value, value)
    assert panel(shot, 1e6, value).shape == (PANEL_ROWS, WIDTH, 3)


def test_unknown_latency_and_rate_leave_their_places_empty():
    empty = panel(replace(SHOT, latency_ms=None))
    assert (empty[4:50, 430:] == empty[4, 430]).all()


@pytest.mark.parametrize("title", ["", "é ☃ 模型.h5", "a" * 10_000, "two\nlines"])
def test_any_title_can_be_drawn(title):
    assert Overlay(title).panel(SHOT, 0.0).shape == (PANEL_ROWS, WIDTH, 3)


def test_a_panel_costs_well_below_a_millisecond():
    shots = [replace(SHOT, steering=i / 50 - 1, speed_mph=i / 3) for i in range(100)]
    overlay = Overlay("eff.h5")
    for i, shot in enumerate(shots):
        overlay.panel(shot, i, 20.0)
    start = time.thread_time()
    for i, shot in enumerate(shots):
        overlay.panel(shot, 100.0 + i, 20.0)
    assert (time.thread_time() - start) / len(shots) < 0.001


def test_numbers_change_four_times_a_second_and_the_wheel_with_each_picture():
    overlay = Overlay("eff.h5")
    panels = [
        overlay.panel(Shot(i / 30, SHOT.frame, i / 300, 0.0, i / 10, 2.0 + i / 7), i / 30, 20.0 + i) for i in range(300)
    ]
    numbers = [panel[:, STEERING_LEFT:THROTTLE_LEFT].tobytes() + panel[:, 440:].tobytes() for panel in panels]
    changes = sum(a != b for a, b in itertools.pairwise(numbers))
    assert 30 <= changes <= 10 / NUMBERS_S == 40
    wheels = [panel[:, : WHEEL_LEFT + WHEEL_SIZE].tobytes() for panel in panels]
    assert len(set(wheels)) > 100
