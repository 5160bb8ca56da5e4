"""The doctor finds laps by views that repeat after the same distance, again and again.

Steering and speed repeat only roughly from lap to lap, but the scenery repeats exactly. The distance after which it
repeats is the lap's length, which training needs to hold out the same road on every lap (`--lap-m`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float32Array, Float64Array
from protocol.recording import Sample
from training.data.road import Leg, legs

STEP_M = 5.0
SHORTEST_M = 200.0
"""No lap is shorter, and views closer than this may look alike because they show one place."""

TOLERANCE_M = 15.0
LEAST_VIEWS = 20
MOST_VIEWS = 2000
"""At most so many views of one leg are compared, which are 10 km; the time grows with their square."""

NEARLY = 0.95
"""Views also repeat after two laps, so the shortest distance that fits nearly as well as the best is the lap."""

SURE, LIKELY = 0.6, 0.3


@dataclass(frozen=True, slots=True)
class Laps:
    """The laps of a recording. lap_m: length of the lap; laps: distance driven, in laps.

    agreement: share of views, among those with a view a lap away, whose most similar view is whole laps away.
    by_chance: the same share for random matches.
    """

    lap_m: float
    laps: float
    agreement: float
    by_chance: float

    def certainty(self) -> str:
        """Return `sure` or `likely`."""
        return "sure" if self.agreement >= SURE else "likely"


def find_laps(samples: Sequence[Sample], time_s: Float64Array, views: Float32Array) -> Laps | None:
    """Find the lap that a recording drives; returns None where the views do not repeat.

    time_s: (n,) seconds; views: (n, rows, columns) grey levels.
    """
    drive_legs = legs(0, samples, time_s)
    similarities = [_similarity(leg, views) for leg in drive_legs]
    lags = max((len(s) for s in similarities), default=0)
    total, count = np.zeros(lags), np.zeros(lags)
    for similarity in similarities:
        for lag in range(len(similarity)):
            along = np.diagonal(similarity, lag)
            total[lag] += along.sum()
            count[lag] += along.size
    possible = np.flatnonzero((count >= LEAST_VIEWS) & (np.arange(lags) >= SHORTEST_M / STEP_M))
    if not possible.size:
        return None
    mean = total[possible] / count[possible]
    first = int(np.argmax(mean >= mean.max() * NEARLY))
    while first + 1 < mean.size and mean[first + 1] > mean[first]:
        first += 1
    agreement, by_chance = _agreement(similarities, int(possible[first]))
    if not agreement >= max(LIKELY, 3 * by_chance):
        return None
    driven_m = sum(float(leg.distance_m[-1] - leg.distance_m[0]) for leg in drive_legs)
    lap_m = float(possible[first] + _peak(mean[max(0, first - 1) : first + 2])) * STEP_M
    return Laps(lap_m, driven_m / lap_m, agreement, by_chance)


def _peak(values: Float64Array) -> float:
    """Fit a parabola to three neighbours; returns where its top lies, -0.5..0.5 steps from the middle one."""
    if values.size < 3 or not values[1] >= max(values[0], values[2]) or values[1] == min(values[0], values[2]):
        return 0.0
    left, top, right = values
    return float((left - right) / (left - 2 * top + right) / 2)


def flat_views(leg: Leg, views: Float32Array) -> Float32Array:
    """The views of a leg at equal distances, of mean 0 and length 1, so that products are correlations: (k, pixels)."""
    metres = np.arange(leg.distance_m[0], leg.distance_m[-1], STEP_M)[:MOST_VIEWS]
    rows = leg.rows[np.searchsorted(leg.distance_m, metres)]
    flat = np.nan_to_num(views[rows].reshape(rows.size, -1))
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)


def _similarity(leg: Leg, views: Float32Array) -> Float32Array:
    """Correlate every view of a leg with every other: (k, k)."""
    flat = flat_views(leg, views)
    return flat @ flat.T


def _agreement(similarities: Sequence[Float32Array], lag: int) -> tuple[float, float]:
    """Return the share of views whose best match lies whole laps away, and that share for random matches."""
    tolerance = TOLERANCE_M / STEP_M
    hits = chances = views = 0.0
    for similarity in similarities:
        n = len(similarity)
        lag_steps = np.abs(np.arange(n)[:, None] - np.arange(n)[None])
        allowed = lag_steps >= SHORTEST_M / STEP_M
        whole = allowed & (np.abs(lag_steps - np.maximum(np.round(lag_steps / lag), 1) * lag) <= tolerance)
        has_match = whole.any(axis=1)
        if not has_match.any():
            continue
        best = np.where(allowed, similarity, -2).argmax(axis=1)
        hits += whole[np.arange(n), best][has_match].sum()
        chances += (whole.sum(axis=1) / np.maximum(allowed.sum(axis=1), 1))[has_match].sum()
        views += has_match.sum()
    return (hits / views, chances / views) if views else (0.0, 1.0)
