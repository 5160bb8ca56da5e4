"""A perfect pupil of made-up laps, whose driver's way with offsets is known."""

import numpy as np
import pytest

from training.lap_match import Lap, Laps
from training.pupil import RESPONSES, agreements, describe

LAP_M = 200.0
DRIVEN_M = np.arange(0.0, 3 * LAP_M)
PLACES_M = np.arange(0.0, LAP_M, 2.0)


def laps_of(per_metre: float, per_radian: float, noise: float = 0.0) -> list:
    """Three laps of one road, each wandering in its own way, by a driver who steers back by so much."""
    random = np.random.default_rng(1)
    place = DRIVEN_M % LAP_M
    number = (DRIVEN_M // LAP_M).astype(int)
    wander = random.normal(size=(2, 2, 3))
    aside_m, turned_rad = (
        size * (wander[i, 0, number] * np.sin(place / 9) + wander[i, 1, number] * np.cos(place / 14)) * (number > 0)
        for i, size in enumerate((0.4, 0.05))
    )
    road = 0.1 * np.sin(place / 20)
    steering = road + per_metre * aside_m + per_radian * turned_rad + noise * random.normal(size=place.size)
    later = tuple(
        Lap(place[number == k], aside_m[number == k], turned_rad[number == k], DRIVEN_M[number == k]) for k in (1, 2)
    )
    return agreements(Laps(LAP_M, later, 0, np.zeros(0)), DRIVEN_M, steering, PLACES_M)


@pytest.mark.parametrize("true", RESPONSES)
def test_it_agrees_best_where_it_steers_back_as_its_driver_does(true):
    found = laps_of(true.per_metre, true.per_radian)
    best = max(found, key=lambda agreement: agreement.of_all)
    assert best.response == true
    assert best.of_all == pytest.approx(1.0, abs=0.005)


def test_who_has_seen_the_answers_agrees_more():
    for agreement in laps_of(0.05, 0.6, noise=0.05):
        assert agreement.of_all > agreement.of_others + 0.05


def test_one_lap_teaches_nothing():
    found = agreements(Laps(LAP_M, (), 0, np.zeros(0)), DRIVEN_M, np.sin(DRIVEN_M), PLACES_M)
    assert [(a.of_others, a.of_all) for a in found] == [pytest.approx((np.nan, np.nan), nan_ok=True)] * len(RESPONSES)


def test_it_is_said_in_one_line():
    said = describe(laps_of(0.1, 1.2))
    assert "1.00 (1.00) at 0.1 a metre and 1.2 a radian" in said
    assert "\n" not in said
