"""A log of a drive, step by step, and a report of the measures that the field judges driving by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from protocol.messages import MPS_PER_MPH
from simulator.world.car import STEP_S, Car
from simulator.world.track import Place
from simulator.world.wheels import WheelLog

INTERVENTION_S = 6.0
"""Time that a human's intervention is taken to cost (NVIDIA, 2016)."""

REVERSAL_DEG = 2.0
"""Least turn back of the wheel that counts as a reversal."""

LATERAL_WINDOW_S = 0.2

Position = tuple[float, float, float, float]
"""x, y, offset and distance; nan where the car was moved back to the road, or to the human's line."""


@dataclass(frozen=True, slots=True)
class DriveReport:
    """The measures of one drive. autonomy: 100 (1 - 6 s * off-road events / elapsed); cte: metres from the centre line.

    off_road_events: how often the car's middle left the carriageway, or it crashed. wheels_off_events: how often a
    wheel left it, and wheels_off_longest_m: the longest way driven so; None in a replay, whose road has no known edges.
    reversals_per_min: turns of the wheel back by 2 degrees or more; jerk: change of the sideways acceleration, rms.
    """

    laps: float
    distance_m: float
    elapsed_s: float
    off_road_events: int
    crashes: int
    autonomy_percent: float
    mean_cte_m: float
    max_cte_m: float
    mean_speed_mph: float
    lap_times_s: tuple[float, ...]
    reversals_per_min: float
    jerk_mps3: float
    off_road_at_m: tuple[float, ...]
    wheels_off_events: int | None = None
    wheels_off_longest_m: float | None = None
    wheels_off_at_m: tuple[float, ...] = ()

    def table(self, failed: str = "off the road") -> str:
        """The report as text for people. failed: the name of an off-road event."""
        laps = ", ".join(f"{t:.1f} s" for t in self.lap_times_s) or "none, because no lap was completed"
        return "\n".join(
            [
                f"{self.laps:.2f} laps, {self.distance_m:.0f} m in {self.elapsed_s:.1f} s of game time; "
                f"lap times: {laps}",
                f"{failed} {self.off_road_events} times ({self.crashes} crashes){_places(self.off_road_at_m)}; "
                f"autonomy {self.autonomy_percent:.1f} %",
                *self._wheels_off(),
                f"from the centre: mean {self.mean_cte_m:.2f} m, at most {self.max_cte_m:.2f} m; "
                f"speed {self.mean_speed_mph:.1f} mph; {self.reversals_per_min:.0f} steering reversals a minute, "
                f"jerk {self.jerk_mps3:.2f} m/s3",
            ]
        )

    def _wheels_off(self) -> list[str]:
        """The line about the wheels, if they were watched."""
        if self.wheels_off_events is None:
            return []
        longest = f", for at most {self.wheels_off_longest_m:.0f} m" if self.wheels_off_events else ""
        places = _places(self.wheels_off_at_m)
        return [f"a wheel off the carriageway {self.wheels_off_events} times{places}{longest}"]


def _places(at_m: tuple[float, ...]) -> str:
    return " at " + ", ".join(f"{place_m:.0f}" for place_m in at_m) + " m" if at_m else ""


class DriveLog:
    """Logs each step; `report` sums the drive up. lap_m: length of a lap, or of the replayed recording.

    wheels: what the wheels did, if somebody watches them.
    positions: of every fifth step, for drawing the drive.
    """

    def __init__(self, lap_m: float, wheels: WheelLog | None = None) -> None:
        self._lap_m = lap_m
        self.wheels = wheels
        self.time_s = 0.0
        self.distance_m = 0.0
        self.crashes = 0
        self.off_road_at_m: list[float] = []
        self.positions: list[Position] = []
        self._offsets: list[float] = []
        self._steering_deg: list[float] = []
        self._lateral: list[float] = []
        self._lap_ends_s: list[float] = []

    @property
    def off_road_events(self) -> int:
        """How often the car's middle left the road, or it crashed; in a replay, the number of interventions."""
        return len(self.off_road_at_m)

    @property
    def wheels_off_events(self) -> int | None:
        """How often a wheel left the carriageway; None if nobody watches the wheels."""
        return len(self.wheels.at_m) if self.wheels else None

    @property
    def lap_times_s(self) -> tuple[float, ...]:
        """Game time of each completed lap."""
        return tuple(round(b - a, 2) for a, b in pairwise([0.0, *self._lap_ends_s]))

    @property
    def lap_s(self) -> float:
        """Game time since the present lap began."""
        return self.time_s - (self._lap_ends_s[-1] if self._lap_ends_s else 0.0)

    def note(self, seconds: float, advance_m: float, place: Place, car: Car) -> None:
        """Log one step of the car."""
        self.time_s += seconds
        self.distance_m += advance_m
        if self.distance_m >= self._lap_m * (len(self._lap_ends_s) + 1):
            self._lap_ends_s.append(self.time_s)
        if len(self._offsets) % 5 == 0:
            self.positions.append((car.x, car.y, place.offset_m, place.distance_m))
        self._offsets.append(abs(place.offset_m))
        self._steering_deg.append(car.steering_angle_deg)
        self._lateral.append(car.speed_mph * MPS_PER_MPH * car.yaw_rate)

    def note_off_road(self, place: Place, crashed: bool) -> None:
        """Log that the car left the road at `place`, or that an intervention happened there."""
        self.off_road_at_m.append(place.distance_m)
        self.crashes += crashed
        if self.wheels:
            self.wheels.note_put_back()
        self.note_jump()

    def note_jump(self) -> None:
        """Log that the car was moved to another place."""
        self.positions.append((math.nan, math.nan, math.nan, math.nan))

    def report(self) -> DriveReport:
        """Sum up the drive so far."""
        elapsed_s = max(self.time_s, STEP_S)
        offsets = np.array(self._offsets or [0.0])
        return DriveReport(
            laps=self.distance_m / self._lap_m,
            distance_m=self.distance_m,
            elapsed_s=self.time_s,
            off_road_events=self.off_road_events,
            crashes=self.crashes,
            autonomy_percent=max(0.0, 100 * (1 - INTERVENTION_S * self.off_road_events / elapsed_s)),
            mean_cte_m=float(offsets.mean()),
            max_cte_m=float(offsets.max()),
            mean_speed_mph=self.distance_m / elapsed_s / MPS_PER_MPH,
            lap_times_s=self.lap_times_s,
            reversals_per_min=reversals(self._steering_deg) / elapsed_s * 60,
            jerk_mps3=_jerk(self._lateral),
            off_road_at_m=tuple(round(d, 1) for d in self.off_road_at_m),
            wheels_off_events=self.wheels_off_events,
            wheels_off_longest_m=round(self.wheels.longest_m, 1) if self.wheels else None,
            wheels_off_at_m=tuple(round(d, 1) for d in self.wheels.at_m) if self.wheels else (),
        )


@dataclass(frozen=True, slots=True)
class FinishedDrive:
    """What is left of the log of a drive that another process has driven: enough to draw it."""

    figures: DriveReport
    positions: Sequence[Position]

    @property
    def off_road_at_m(self) -> Sequence[float]:
        """As DriveLog's."""
        return self.figures.off_road_at_m

    def report(self) -> DriveReport:
        """As DriveLog's."""
        return self.figures


def reversals(steering_deg: list[float], gap_deg: float = REVERSAL_DEG) -> int:
    """Count how often the wheel turns back by at least `gap_deg` from its last extreme."""
    count, direction = 0, 0
    extreme = steering_deg[0] if steering_deg else 0.0
    for angle in steering_deg:
        change = angle - extreme
        if direction == 0 and abs(change) >= gap_deg:
            direction, extreme = (1 if change > 0 else -1), angle
        elif change * direction > 0:
            extreme = angle
        elif direction and abs(change) >= gap_deg:
            count, direction, extreme = count + 1, -direction, angle
    return count


def _jerk(lateral_mps2: list[float]) -> float:
    """Root mean square of the change of sideways acceleration, over windows that smooth single steps out."""
    steps = round(LATERAL_WINDOW_S / STEP_S)
    values = np.array(lateral_mps2[::steps])
    return float(np.sqrt(np.square(np.diff(values) / LATERAL_WINDOW_S).mean())) if len(values) > 1 else 0.0
