"""Tells statistics of frames that a network learned from those of pictures that are no road, by logistic regression.

Each standardised statistic counts by how far it lies above its mean, and by how far below, each up to a limit. So a
picture can be odd in both directions, and none becomes familiar by being extreme.

Sources: Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2009, section 4.4.1, for Newton's steps;
Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019, for learning from such
pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array

LIMIT = 6.0
"""A statistic counts for at most so many standard deviations; layers of 8-bit networks have no room for more."""

DECAY = 0.01
"""Pulls the weights towards 0, beside a frame's mean loss. Ten times as much told rooms from roads less well."""

EPSILON = 1e-3
"""This is added to each variance, so that a channel that is always 0 on the road does not decide alone."""

MOST_STEPS = 25
SMALLEST_STEP = 1e-3
"""Newton's method ends when no weight changes by more than this, which takes some ten steps."""


@dataclass(frozen=True, slots=True)
class FrameClassifier:
    """mean, variance: of the statistics of learned frames, (d,). above, below: the weights of each statistic's distance
    from its mean, in standard deviations, (d,); bias: what is added. The sum is the confidence's logarithmic odds.
    """

    mean: Float64Array
    variance: Float64Array
    above: Float64Array
    below: Float64Array
    bias: float

    @classmethod
    def of(cls, learned: npt.NDArray[Any], unlike: npt.NDArray[Any]) -> FrameClassifier:
        """Fit one to statistics of learned frames and of unlike pictures, (n, d) and (m, d), n and m a thousand or so.

        Both sides have the same weight, however many there are.
        """
        mean, variance = learned.mean(axis=0, dtype=np.float64), learned.var(axis=0, dtype=np.float64)
        features = _features(np.concatenate([learned, unlike]), mean, variance)
        is_learned = np.arange(len(features)) < len(learned)
        shares = np.where(is_learned, 0.5 / len(learned), 0.5 / len(unlike))
        weights = _regression(features, is_learned, shares)
        above, below = np.split(weights[:-1], 2)
        return cls(mean, variance, above, below, float(weights[-1]))

    def odds(self, statistics: npt.NDArray[Any]) -> Float64Array:
        """The logarithmic odds that statistics (n, d) are of a view that the network knows, (n,)."""
        features = _features(statistics, self.mean, self.variance)
        return np.asarray(features @ np.concatenate([self.above, self.below, [self.bias]]))


def _features(statistics: npt.NDArray[Any], mean: Float64Array, variance: Float64Array) -> Float64Array:
    """How far each of statistics (n, d) lies above its mean, and below, and a column of ones: (n, 2 d + 1)."""
    values = (statistics - mean) / np.sqrt(variance + EPSILON)
    return np.concatenate([values.clip(0, LIMIT), (-values).clip(0, LIMIT), np.ones((len(values), 1))], axis=1)


def _regression(features: Float64Array, is_learned: npt.NDArray[np.bool_], shares: Float64Array) -> Float64Array:
    """The weights (k,) of features (n, k) with the least loss. shares: what each row's loss counts, (n,).

    The last feature is the bias, which is not pulled to 0.
    """
    weights = np.zeros(features.shape[1])
    decay = np.full(len(weights), DECAY)
    decay[-1] = 0.0
    for _ in range(MOST_STEPS):
        chance = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (shares * (chance - is_learned)) + decay * weights
        curvature = (features.T * (shares * chance * (1 - chance))) @ features + np.diag(decay + 1e-9)
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < SMALLEST_STEP:
            break
    return weights
