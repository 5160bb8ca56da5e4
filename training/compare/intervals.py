"""Confidence intervals of figures are computed over seeds, or over blocks of road.

Two models whose intervals overlap widely cannot be told apart. Neighbouring frames look alike, so rows are never
resampled one by one, which would make every interval far too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array

BLOCK_S = 10.0
"""At 15 mph a block is 67 m of road, which is longer than any bend of the lake."""

RESAMPLES = 2000

MAX_SEEDS = 10
STUDENT_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5 % point of Student's distribution with 1 to 9 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % confidence interval; low and high are nan where there are too few values for them."""

    value: float
    low: float = math.nan
    high: float = math.nan


def over_seeds(values: Sequence[float]) -> Interval:
    """Average up to MAX_SEEDS trainings that differ only in their seed, with Student's interval; one value has none."""
    if len(values) == 1:
        return Interval(values[0])
    half = STUDENT_T[len(values) - 2] * stdev(values) / math.sqrt(len(values))
    return Interval(fmean(values), fmean(values) - half, fmean(values) + half)


def blocks(time_s: Float64Array, gap_s: float) -> npt.NDArray[np.intp]:
    """Number each row's block of BLOCK_S, 0, 1, ...: (n,); a gap longer than gap_s begins a new block."""
    jump = np.diff(time_s, prepend=time_s[:1])
    session = np.cumsum((jump < 0) | (jump > gap_s))
    starts = np.searchsorted(session, session)
    place = ((time_s - time_s[starts]) // BLOCK_S).astype(np.intp)
    return np.cumsum((np.diff(place, prepend=place[:1]) != 0) | (np.diff(session, prepend=session[:1]) != 0))


def over_blocks(answer: Float64Array, steering: Float64Array, block: npt.NDArray[np.intp]) -> dict[str, Interval]:
    """Compute `mae`, `bias` and `correlation` of two (n,) signals, with bootstrap intervals over blocks of road.

    block: (n,) numbers from 0. The correlation is nan where a signal is constant; one block gives no interval.
    """
    error = answer - steering
    columns = (np.ones_like(error), abs(error), error, answer, steering, answer**2, steering**2, answer * steering)
    sums = np.stack([np.bincount(block, weights=column) for column in columns], axis=1)
    figures = {name: float(values[0]) for name, values in _figures(sums.sum(axis=0)[None]).items()}
    count = len(sums)
    if count < 2:
        return {name: Interval(value) for name, value in figures.items()}
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return {
        name: _interval(figures[name], values) for name, values in _figures(weights.astype(np.float64) @ sums).items()
    }


def _interval(value: float, resampled: Float64Array) -> Interval:
    finite_values = resampled[~np.isnan(resampled)]
    return (
        Interval(value, *map(float, np.quantile(finite_values, (0.025, 0.975))))
        if finite_values.size
        else Interval(value)
    )


def _figures(sums: Float64Array) -> dict[str, Float64Array]:
    """Compute each figure (k,) from sums over rows (k, 8) as in `over_blocks`."""
    n, off, error, a, s, aa, ss, both = sums.T
    spread = np.sqrt(np.maximum(0, n * aa - a**2) * np.maximum(0, n * ss - s**2))
    correlation = np.divide(n * both - a * s, spread, out=np.full_like(n, np.nan), where=spread > 1e-9)
    return {"mae": off / n, "bias": error / n, "correlation": correlation}
