"""The score of a trial, in metres, of which less is better; docs/search.md explains the formula."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from training.judge.choose import Driving

OFF_ROAD_M = 1.0
"""Leaving the road once a kilometre costs as much as driving so far from the middle."""

DISAGREEMENT_M = 0.5
"""Steering that has nothing to do with people's costs as much as driving so far from the middle."""

WORST = 100.0
"""The score of a network whose loss is no number any more; ASHA needs a finite one."""


@dataclass(frozen=True, slots=True)
class Score:
    """offset_m: mean distance from the middle; off_road_per_km: times off the road; correlation: on held-out road."""

    offset_m: float
    off_road_per_km: float
    correlation: float

    @property
    def value(self) -> float:
        """The score."""
        parts = (self.offset_m, OFF_ROAD_M * self.off_road_per_km, DISAGREEMENT_M * (1 - self.correlation))
        total = math.fsum(parts)
        return min(WORST, total) if math.isfinite(total) else WORST

    @classmethod
    def of(cls, driving: Driving, correlation: float) -> Score:
        """The score of drives. correlation: nan counts as 0, as of a network that always answers the same."""
        km = sum(trial["distance_m"] for trial in driving.values()) / 1000
        events = sum(trial["off_road_events"] for trial in driving.values())
        offset_m = float(np.mean([trial["mean_cte_m"] for trial in driving.values()]))
        return cls(offset_m, events / km if km else math.nan, 0.0 if math.isnan(correlation) else correlation)


def agreement_of(history: Sequence[Mapping[str, float]]) -> float:
    """The last correlation on held-out road that a training has measured; epochs that learn this road have none."""
    measured = [row["correlation"] for row in history if not math.isnan(row["correlation"])]
    return measured[-1] if measured else math.nan
