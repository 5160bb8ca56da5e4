"""When a drawn track counts as true. The figures were set before anything was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from simulator.replay.agreement import SteeringErrors

LEAST_FRAMES = 40
LEAST_CORRELATION = 0.93
MOST_DIFFERENCE = 0.025
MOST_EDGE_PX = 2.5


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand: what is measured, its value, the limit in words, and whether the value meets it."""

    name: str
    value: float
    limit: str
    met: bool


def criteria(frames: int, errors: Mapping[str, SteeringErrors], edges_px: Float64Array) -> list[Criterion]:
    """All demands. frames: located ones; errors: of each model; edges_px: distances of the lines seen, (n,)."""
    median = float(np.median(np.abs(edges_px))) if edges_px.size else math.nan
    result = [_least("located frames", frames, LEAST_FRAMES)]
    for model, error in errors.items():
        result.append(_least(f"{model}: correlation of answers", error.correlation, LEAST_CORRELATION))
        result.append(_most(f"{model}: mean difference of answers", error.mae, MOST_DIFFERENCE))
    return [*result, _most("edge lines, median error in pixels", median, MOST_EDGE_PX)]


def all_met(demands: Sequence[Criterion]) -> bool:
    """Whether every demand is met."""
    return all(demand.met for demand in demands)


def _least(name: str, value: float, limit: float) -> Criterion:
    return Criterion(name, value, f"at least {limit:g}", value >= limit)


def _most(name: str, value: float, limit: float) -> Criterion:
    return Criterion(name, value, f"at most {limit:g}", value <= limit)
