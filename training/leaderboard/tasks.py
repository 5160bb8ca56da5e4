"""What is to be driven, and what came of it, as plain values: any process or computer can drive a task.

What comes of a task depends on nothing but the task. So it has a key, under which it is kept.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from training.jobs.one_line import one_line

FORMAT = 1
"""It increases when the same task is driven otherwise than before: another car, other roads, another record."""

MINUTE_S, TRACE_S = 60.0, 0.3
"""How long a worst minute is, and the time between two places of a trace."""

TEXTS = ("steering", "failure")
MAX_TRACE = 100_000


@dataclass(frozen=True, slots=True)
class DriveTask:
    """A drive. model: hash of what drives; laps: from a start that the seed chooses."""

    model: str
    track: str
    reverse: bool
    speed_mph: float
    seed: int
    laps: float

    @property
    def key(self) -> str:
        """The hash of the task."""
        return hashlib.sha256(json.dumps([FORMAT, asdict(self)], sort_keys=True).encode()).hexdigest()[:32]

    @property
    def road(self) -> tuple[str, bool]:
        """The track and its direction."""
        return self.track, self.reverse

    @property
    def course(self) -> tuple[str, bool, float, int, float]:
        """The task without its model."""
        return self.track, self.reverse, self.speed_mph, self.seed, self.laps


def road_title(track: str, reverse: bool) -> str:
    """The road's name for the user."""
    return f"{track}, backward" if reverse else track


@dataclass(frozen=True, slots=True)
class DriveResult:
    """What came of a drive; the measures are those of simulator.world.drive_log.DriveReport.

    asked_m: the way of its laps; clean_m: driven before the car first left the road; worst_s: when its worst minute
    begins. trace: x, y, metres left of the middle, and seconds, every TRACE_S; nan where the car was put back.
    steering: of each frame, in order, float32 in base64; with it a film needs no model.
    failure: why the drive ended early, for the user; "" if it did not.
    """

    asked_m: float
    distance_m: float
    clean_m: float
    elapsed_s: float
    autonomy_percent: float
    off_road_events: int
    crashes: int
    wheels_off_events: int
    mean_cte_m: float
    max_cte_m: float
    mean_speed_mph: float
    reversals_per_min: float
    jerk_mps3: float
    worst_s: float
    trace: tuple[tuple[float, float, float, float], ...] = ()
    steering: str = ""
    failure: str = ""


def failed_drive(reason: str) -> DriveResult:
    """The result of a drive that could not be driven to its end."""
    return DriveResult(
        asked_m=0.0,
        distance_m=0.0,
        clean_m=0.0,
        elapsed_s=0.0,
        autonomy_percent=0.0,
        off_road_events=0,
        crashes=0,
        wheels_off_events=0,
        mean_cte_m=0.0,
        max_cte_m=0.0,
        mean_speed_mph=0.0,
        reversals_per_min=0.0,
        jerk_mps3=0.0,
        worst_s=0.0,
        failure=one_line(reason) or "it failed without a reason",
    )


def as_json(result: DriveResult) -> dict[str, Any]:
    """Plain values without nan."""
    values = asdict(result)
    values["trace"] = [None if math.isnan(point[0]) else list(point) for point in result.trace]
    return values


def read_result(values: Any) -> DriveResult:
    """The result of what `as_json` gave. Raises ValueError for anything else."""
    if not isinstance(values, dict) or set(values) != {one.name for one in fields(DriveResult)}:
        raise ValueError("these are not the figures of a drive")
    figures = {name: _figure(name, value) for name, value in values.items() if name not in ("trace", *TEXTS)}
    for name in ("off_road_events", "crashes", "wheels_off_events"):
        figures[name] = int(figures[name])
    trace = values["trace"]
    if (
        not isinstance(trace, list)
        or len(trace) > MAX_TRACE
        or not all(isinstance(values[name], str) for name in TEXTS)
    ):
        raise ValueError("trace, steering or failure is of another type")
    points = tuple(_point(point) for point in trace)
    return DriveResult(**figures, trace=points, steering=values["steering"], failure=one_line(values["failure"]))


def _point(values: Any) -> tuple[float, float, float, float]:
    if values is None:
        return (math.nan,) * 4
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError("a place in the trace has four numbers")
    x, y, offset_m, second = (_figure("trace", value, -1e6) for value in values)
    return x, y, offset_m, second


def _figure(name: str, value: Any, low: float = 0.0) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 1e9:
        raise ValueError(f"{name} is {value!r:.40}")
    return value
