"""Roads that a formula makes: the mountain, and another road for each seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protocol.arrays import Float64Array
from simulator.roads.curves import SPACING_M, curvatures, distances, resample
from simulator.roads.profile import Shape, plain_side

Turns = Sequence[tuple[int, float, float]]
"""Waves of a loop's radius: their number, their share of the radius, and their phase."""

STRIPED_RADIUS_M = 45.0
"""Bends tighter than this have red and white stripes beside them."""


def mountain() -> Shape:
    """A road with tight bends between rocks, over hills that hide the road behind them."""
    points = resample(_star(165.0, ((2, 0.20, 0.3), (3, 0.22, 1.1), (5, 0.10, 2.0), (7, 0.035, 0.5))))
    share = np.arange(len(points)) / len(points) * 2 * np.pi
    height = 6.0 * np.sin(2 * share) + 1.2 * np.sin(7 * share + 1.0) + 0.4 * np.sin(13 * share)
    height -= height[0]
    side = plain_side(len(points), beyond="rock")
    return Shape(points, height, side, side, float(height.min()) - 1.0)


def random_road(seed: int) -> Shape:
    """A different level road for each seed. No radius is under 20 m, no two parts are closer than 45 m."""
    generator = np.random.default_rng(seed)
    while True:
        turns = [
            (k, float(generator.uniform(0, 0.75 / k**1.25)), float(generator.uniform(0, 2 * np.pi)))
            for k in range(2, 7)
        ]
        points = resample(_star(float(generator.uniform(110, 170)), turns))
        bends = np.abs(curvatures(points, distances(points)[-1] / len(points)))
        if bends.max() < 1 / 20 and _least_gap_m(points) > 45:
            side = plain_side(len(points), np.where(bends > 1 / STRIPED_RADIUS_M, "stripes", "shoulder"))
            return Shape(points, np.zeros(len(points)), side, side, -1.0)


def _star(radius_m: float, turns: Turns) -> Float64Array:
    """A loop whose radius varies with the angle, so it never crosses itself; it begins at (0, 0)."""
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    radius = radius_m * (1 + sum(size * np.cos(waves * angle + phase) for waves, size, phase in turns))
    curve = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return np.asarray(curve - curve[0])


def _least_gap_m(points: Float64Array) -> float:
    """The least distance between two places of the road that are more than 120 m of driving apart."""
    few = points[::12]
    gap = np.hypot(*(few[:, None] - few[None]).transpose(2, 0, 1))
    steps = np.abs(np.arange(len(few))[:, None] - np.arange(len(few)))
    steps = np.minimum(steps, len(few) - steps)
    return float(gap[steps * 12 * SPACING_M > 120].min())
