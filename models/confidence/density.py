"""A Gaussian of what frames give that a network learned, and the confidence that follows from the distance to it.

A few directions hold most of the statistics' variance; in all others it counts as equal. So the distance needs a narrow
matrix, and not one as wide as it is high.

Sources: Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018, for the
Mahalanobis distance of a network's features; Tipping and Bishop, "Probabilistic Principal Component Analysis", 1999,
for the Gaussian of few directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array

AXES = 32
"""More directions told real frames from unlike ones no better, fewer hardly worse (docs/models.md)."""

DOUBTED_SHARE = 0.01
"""So many of the frames that the network learned get a confidence below a half: some show a car beside the road, and a
careful driver smooths the others away."""

USUAL_CONFIDENCE = 0.99
"""The confidence of the median frame."""

EPSILON = 1e-3
"""This is added to each variance, so that a channel that is always 0 on the road does not decide alone."""


@dataclass(frozen=True, slots=True)
class Density:
    """A Gaussian of statistics (n, d). mean, variance: of each, (d,); axes: the main directions, (d, k).

    variances: of the standardised statistics along the axes, (k,); rest: along each other direction.
    median, limit: squared distances of the median frame, and of the one at DOUBTED_SHARE from the top.
    """

    mean: Float64Array
    variance: Float64Array
    axes: Float64Array
    variances: Float64Array
    rest: float
    median: float
    limit: float

    @classmethod
    def of(cls, statistics: npt.NDArray[Any]) -> Density:
        """Fit one to the statistics (n, d) of a few thousand frames that the network learned."""
        values = statistics.astype(np.float64)
        mean, variance = values.mean(axis=0), values.var(axis=0)
        standard_values = (values - mean) / np.sqrt(variance + EPSILON)
        variances, axes = np.linalg.eigh(standard_values.T @ standard_values / len(standard_values))
        count = min(AXES, len(variances) // 2)
        rest = float(variances[:-count].mean()) + EPSILON
        density = cls(mean, variance, axes[:, -count:], variances[-count:] + EPSILON, rest, 0.0, 0.0)
        distances = density.distances(values)
        median, limit = np.quantile(distances, (0.5, 1 - DOUBTED_SHARE))
        return cls(mean, variance, density.axes, density.variances, rest, float(median), float(limit))

    def distances(self, statistics: npt.NDArray[Any]) -> Float64Array:
        """The squared distances of statistics (n, d) from the mean, (n,)."""
        standard_values = (statistics - self.mean) / np.sqrt(self.variance + EPSILON)
        squares = np.concatenate([standard_values**2, (standard_values @ self.axes) ** 2], axis=1)
        return np.asarray(squares @ self.square_weights)

    @property
    def square_weights(self) -> Float64Array:
        """What each square adds to the distance: d of the standardised statistics, then k of those along the axes."""
        return np.concatenate([np.full(len(self.mean), 1 / self.rest), 1 / self.variances - 1 / self.rest])

    @property
    def slope(self) -> float:
        """The confidence is sigmoid(slope * (limit - squared distance)), so it is USUAL_CONFIDENCE at the median."""
        return math.log(USUAL_CONFIDENCE / (1 - USUAL_CONFIDENCE)) / max(1e-9, self.limit - self.median)
