"""Agreement with the human as arithmetic, by hand."""

import math

import numpy as np
import pytest

from simulator.replay.agreement import agreement


def test_errors_and_those_of_always_zero():
    compared = agreement(np.array([0.1, 0.3, -0.2]), np.array([0.0, 0.5, -0.1]))
    assert compared.rows == 3
    assert compared.answers.mae == pytest.approx(0.4 / 3)
    assert compared.answers.rmse == pytest.approx(math.sqrt(0.06 / 3))
    assert compared.answers.bias == pytest.approx(-0.2 / 3)
    assert compared.answers.correlation == pytest.approx(np.corrcoef([0.1, 0.3, -0.2], [0, 0.5, -0.1])[0, 1])
    assert compared.always_zero.mae == pytest.approx(0.6 / 3)
    assert compared.always_zero.rmse == pytest.approx(math.sqrt(0.26 / 3))
    assert compared.always_zero.bias == pytest.approx(-0.4 / 3)


def test_a_constant_correlates_with_nothing():
    compared = agreement(np.zeros(3), np.array([0.0, 0.5, -0.1]))
    assert math.isnan(compared.answers.correlation)
    assert math.isnan(compared.always_zero.correlation)
    assert math.isnan(agreement(np.array([0.0, 0.5]), np.zeros(2)).answers.correlation)


def test_of_no_rows_nothing_is_known():
    compared = agreement(np.zeros(0), np.zeros(0))
    assert compared.rows == 0
    assert math.isnan(compared.answers.mae)
    assert math.isnan(compared.always_zero.bias)


def test_a_card_names_the_figures():
    figures = agreement(np.array([0.1, 0.3]), np.array([0.0, 0.5])).figures()
    assert figures == pytest.approx(
        {
            "rows": 2.0,
            "mae": 0.15,
            "rmse": math.sqrt(0.025),
            "correlation": 1.0,
            "bias": -0.05,
            "zero_mae": 0.25,
            "zero_rmse": math.sqrt(0.125),
        }
    )
