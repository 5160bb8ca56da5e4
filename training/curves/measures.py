"""What a training on a curve is judged by: agreement with strangers on each track, and drives on each track.

Both come from the model's card, so a curve can be drawn anew without its trainings' recordings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.card import Card
from training.compare.intervals import Interval, over_seeds
from training.shipped.recordings import STRANGERS

TRACKS = ("lake", "jungle", "mountain")


class Seed(NamedTuple):
    """One training's figures. agreement: by track, the mean of the strangers' correlations of 1 s means.

    bias: the largest of the strangers' by its amount. off_road, wheels_off: times in all drives; lake_m: mean distance
    from the middle on the lake, of both directions; furthest_lake_m: the largest; autonomy: mean percentage.
    """

    agreement: dict[str, float]
    bias: float
    off_road: float
    wheels_off: float
    lake_m: float
    furthest_lake_m: float
    autonomy: float


def track_of(stranger: str) -> str:
    """The track that a stranger's recording was driven on, by its folder's name."""
    return next((track for track in TRACKS if stranger.endswith(f"-{track}")), "lake")


def seed_of(card: Card) -> Seed:
    """Read the figures of one training. Raises KeyError for a card of another kind of training."""
    means = {name: card.metrics[f"{name}, 1 s means (test)"] for name in STRANGERS}
    agreement = {
        track: _mean(_column([figures for name, figures in means.items() if track_of(name) == track], "correlation"))
        for track in TRACKS
    }
    drives = list(card.driving.values())
    lake = [figures for name, figures in card.driving.items() if name.startswith("udacity-lake")]
    return Seed(
        agreement,
        max(_column(list(means.values()), "bias"), key=abs),
        sum(_column(drives, "off_road_events")),
        sum(_column(drives, "wheels_off_events")),
        _mean(_column(lake, "mean_cte_m")),
        max(_column(lake, "max_cte_m")),
        _mean(_column(drives, "autonomy_percent")),
    )


def interval(seeds: Sequence[Seed], name: str, track: str | None = None) -> Interval:
    """The mean and interval of one of the figures over seeds; track: of `agreement`."""
    values = [getattr(seed, name) if track is None else seed.agreement[track] for seed in seeds]
    return over_seeds([float(value) for value in values])


def _column(rows: Sequence[Mapping[str, float | None]], name: str) -> list[float]:
    """One figure of each row; nan where it is unknown."""
    return [math.nan if (value := row[name]) is None else value for row in rows]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
