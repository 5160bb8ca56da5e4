"""The phases of a training and the rate in them, by hand."""

from dataclasses import replace
from itertools import pairwise

import pytest

from training.run.recipe import Recipe
from training.run.schedule import learning_rate, phases

RECIPE = replace(Recipe(), epochs=10, refit_epochs=3, learning_rate=1e-3, refit_learning_rate=4e-4)


@pytest.mark.parametrize(
    ("dagger", "ends"), [(0, [(0, 10), (10, 13)]), (1, [(0, 10), (10, 13)]), (2, [(0, 10), (10, 13), (13, 16)])]
)
def test_a_refit_follows_once_or_after_each_round_of_corrections(dagger, ends):
    plan = phases(RECIPE, dagger)
    assert [(phase.first, phase.end) for phase in plan] == ends
    assert [phase.whole for phase in plan] == [False] + [True] * (len(ends) - 1)
    assert [phase.learning_rate for phase in plan] == [1e-3] + [4e-4] * (len(ends) - 1)


def test_without_a_refit_nothing_of_the_held_out_road_is_learned():
    assert [phase.whole for phase in phases(replace(RECIPE, refit_epochs=0), 1)] == [False]


def test_the_rate_rises_to_its_peak_and_falls_to_a_hundredth():
    rates = [learning_rate(2.0, step, 100, 0.05, 0.01) for step in range(100)]
    assert rates[0] == pytest.approx(0.4)
    assert rates[4] == rates[5] == 2.0
    assert all(a > b for a, b in pairwise(rates[5:]))
    assert rates[52] == pytest.approx(2.0 * 0.505, rel=0.03), "half way down in the middle"
    assert rates[99] == pytest.approx(0.02, rel=0.05)
