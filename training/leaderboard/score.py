"""The score of a model: 0 to 100, a weighted mean of points from 0 to 1. docs/leaderboard.md explains each part.

Autonomy counts most. A drive that failed has no points at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from training.leaderboard.rules import ScoreWeights
from training.leaderboard.tasks import DriveResult

ROUGH_MPS3 = 5.0
"""Jerk of a drive without any points for smoothness."""

FAST_MS, SLOW_MS = 10.0, 50.0
"""A frame lasts 50 ms. Within FAST_MS an answer has all points, so small models' scores do not depend on a clock."""

SMALL_BYTES, LARGE_BYTES = 1e5, 1e8

FORMULA = (
    ("autonomy", "share of the time without interventions of 6 s, times the share of the way that was driven"),
    ("distance", "share of the way before the car first left the road"),
    ("smoothness", f"1 - jerk / {ROUGH_MPS3:g} m/s³, at least 0"),
    ("speed", "mean speed / the speed asked for, at most 1"),
    ("latency", f"1 for up to {FAST_MS:g} ms a frame, falling to 0 at {SLOW_MS:g} ms"),
    ("size", "1 for a driving file of up to 0.1 MB, 2/3 at 1 MB, 1/3 at 10 MB, 0 from 100 MB"),
)
"""For the page: what each part is, from 0 to 1."""


class DrivePoints(NamedTuple):
    """Points of one drive, 0 to 1 each."""

    autonomy: float
    distance: float
    smoothness: float
    speed: float


@dataclass(frozen=True, slots=True)
class ModelPoints:
    """Points of a model besides its drives, 0 to 1 each."""

    latency: float
    size: float


def drive_points(result: DriveResult, speed_mph: float) -> DrivePoints:
    """The points of a drive at this speed."""
    if result.failure or result.asked_m <= 0:
        return DrivePoints(0.0, 0.0, 0.0, 0.0)
    driven = _share(result.distance_m / result.asked_m)
    return DrivePoints(
        autonomy=_share(result.autonomy_percent / 100) * driven,
        distance=_share(result.clean_m / result.asked_m),
        smoothness=_share(1 - result.jerk_mps3 / ROUGH_MPS3),
        speed=_share(result.mean_speed_mph / speed_mph),
    )


def model_points(milliseconds: float, driving_bytes: int) -> ModelPoints:
    """The points for the time of a frame and the size of the file that drives."""
    decades = math.log10(LARGE_BYTES / max(1, driving_bytes)) / math.log10(LARGE_BYTES / SMALL_BYTES)
    return ModelPoints(_share((SLOW_MS - milliseconds) / (SLOW_MS - FAST_MS)), _share(decades))


def mean_points(points: Sequence[DrivePoints]) -> DrivePoints:
    """The mean of several drives' points."""
    return DrivePoints(*(math.fsum(column) / len(points) for column in zip(*points, strict=True)))


def score(drives: DrivePoints, model: ModelPoints, weights: ScoreWeights) -> float:
    """The score, 0 to 100."""
    points = drives._asdict() | asdict(model)
    counts = asdict(weights)
    return 100 * math.fsum(counts[name] * points[name] for name in counts) / math.fsum(counts.values())


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
