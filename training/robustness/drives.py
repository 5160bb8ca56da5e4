"""A case is a model under one corruption at one strength; its drives are summed up in one outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from inference.policy import Policy
from simulator.render.opening import TrackScene
from simulator.world.drive_log import INTERVENTION_S, DriveReport
from simulator.world.track import Track
from training.evaluate import drive
from training.robustness.corrupted_world import CorruptedWorld
from training.robustness.corruption import Corruption
from training.robustness.stretches import RoadStretch


@dataclass(frozen=True, slots=True)
class Plan:
    """What each model drives under each corruption. seed: of the first stretch; the next has the next seed.

    careful: whether the car slows down and stops by the model's confidence.
    """

    track: Track
    stretches: Sequence[RoadStretch]
    speed_mph: float
    seed: int
    careful: bool = False

    @property
    def length_m(self) -> float:
        """Of all stretches."""
        return sum(stretch.length_m for stretch in self.stretches)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All drives of a case as one. The measures are those of DriveReport, with the time of all drives as one.

    stops: how often a careful car stopped, because the model did not know the view.
    """

    autonomy_percent: float
    off_road_events: int
    wheels_off_events: int
    mean_cte_m: float
    max_cte_m: float
    elapsed_s: float
    distance_m: float
    stops: int


def drive_case(
    policy: Policy,
    plan: Plan,
    scene: TrackScene,
    corruption: Corruption,
    strength: int,
    bar: tqdm[Any] | None = None,
) -> Outcome:
    """Drive all stretches of the plan under a corruption."""
    reports, stops = [], 0
    for seed, stretch in enumerate(plan.stretches, plan.seed):
        disturbance = corruption.start(corruption.amount(strength), seed)
        world = CorruptedWorld(plan.track, scene, stretch, disturbance, seed)
        stops += drive(policy, world, plan.speed_mph, bar, plan.careful)
        reports.append(world.log.report())
    return summed(reports, stops)


def summed(reports: Sequence[DriveReport], stops: int = 0) -> Outcome:
    """Sum several drives up: their events per second of all of them, and their offsets weighted by time.

    stops: of all drives.
    """
    elapsed_s = sum(report.elapsed_s for report in reports)
    events = sum(report.off_road_events for report in reports)
    offsets_m = [report.mean_cte_m for report in reports]
    return Outcome(
        autonomy_percent=round(max(0.0, 100 * (1 - INTERVENTION_S * events / elapsed_s)), 2),
        off_road_events=events,
        wheels_off_events=sum(report.wheels_off_events or 0 for report in reports),
        mean_cte_m=round(float(np.average(offsets_m, weights=[report.elapsed_s for report in reports])), 4),
        max_cte_m=round(max(report.max_cte_m for report in reports), 4),
        elapsed_s=round(elapsed_s, 2),
        distance_m=round(sum(report.distance_m for report in reports), 2),
        stops=stops,
    )
