"""The options of an environment's `reset`, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from simulator.world.car import TOP_SPEED_MPH

FARTHEST_M = 1e6


@dataclass(frozen=True, slots=True)
class Start:
    """How an episode starts. start_m: metres along the lap, None for the environment's own choice."""

    start_m: float | None = None
    speed_mph: float = 0.0


def read_start(options: Mapping[str, Any] | None) -> Start:
    """Read `start_m` (0 to 1e6 metres, modulo the lap) and `speed_mph` (0 to 30.2). Raises ValueError for all else."""
    options = options or {}
    names = [field.name for field in fields(Start)]
    if unknown := sorted(set(options) - set(names)):
        raise ValueError(f"reset knows the options {' and '.join(names)}, not {', '.join(map(str, unknown))}")
    start_m = options.get("start_m")
    return Start(
        None if start_m is None else _number("start_m", start_m, FARTHEST_M),
        _number("speed_mph", options.get("speed_mph", 0.0), TOP_SPEED_MPH),
    )


def _number(name: str, value: Any, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= most:
        raise ValueError(f"{name} must be a number from 0 to {most:g}, got {value!r}")
    return number
