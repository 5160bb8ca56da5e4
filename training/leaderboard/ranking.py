"""Ranks scores, and says how sure the ranks are: the roads are drawn again, many times, for all models alike.

A road is a track in one direction. Two models that drive the same roads are compared on the same draw, so a hard road
harms both, and their ranks are surer than their scores' intervals look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from training.compare.intervals import RESAMPLES, Interval

SURE = (0.025, 0.975)
"""The quantiles of a 95 % interval."""

SAME = 1e-9
"""Scores that differ by less share a rank."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's score with its interval, its rank from 1, and the best and worst rank in 95 % of the draws."""

    score: Interval
    rank: int
    best: int
    worst: int


def standings(scores: Float64Array) -> list[Standing]:
    """Rank the models by their mean score. scores: (models, roads), of each road; one road gives no intervals."""
    means = [math.fsum(row) / len(row) for row in scores.tolist()]
    ranks = _ranks(np.array([means]))[0]
    draws = drawn_again(scores)
    if draws is None:
        own = [int(rank) for rank in ranks]
        return [Standing(Interval(mean), rank, rank, rank) for mean, rank in zip(means, own, strict=True)]
    drawn_ranks = _ranks(draws)
    return [
        Standing(
            Interval(mean, *_limits(draws[:, number])),
            int(ranks[number]),
            int(np.quantile(drawn_ranks[:, number], SURE[0], method="lower")),
            int(np.quantile(drawn_ranks[:, number], SURE[1], method="higher")),
        )
        for number, mean in enumerate(means)
    ]


def change(scores: Sequence[float]) -> Interval:
    """The mean of one figure for each road, with its interval."""
    draws = drawn_again(np.array([scores]))
    mean = math.fsum(scores) / len(scores)
    return Interval(mean) if draws is None else Interval(mean, *_limits(draws[:, 0]))


def drawn_again(scores: Float64Array) -> Float64Array | None:
    """Mean scores of (models, roads) with the roads drawn again, (draws, models); None with a single road."""
    roads = scores.shape[1]
    if roads < 2:
        return None
    counts = np.random.default_rng(0).multinomial(roads, np.full(roads, 1 / roads), RESAMPLES)
    return np.einsum("dr,mr->dm", counts / roads, scores)


def _ranks(scores: Float64Array) -> Float64Array:
    """Ranks from 1 within each row, (draws, models)."""
    return 1.0 + (scores[:, None, :] > scores[:, :, None] + SAME).sum(axis=2)


def _limits(draws: Float64Array) -> tuple[float, float]:
    low, high = np.quantile(draws, SURE)
    return float(low), float(high)
