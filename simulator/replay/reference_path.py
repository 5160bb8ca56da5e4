"""A recording -> the path its driver drove, computed from times, speeds, steering and the car's steering dynamics.

A replay needs only the differences between a model's steering and the driver's, so the path need not close after a
lap. At gaps, standstills and manoeuvres the recording does not tell how the car moved, so the path is cut there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.messages import MPS_PER_MPH
from protocol.recording import ROW_S, Recording, Sample, row_times_s
from protocol.unbroken import unbroken_pieces
from simulator.world.car import STEP_S
from simulator.world.steering_dynamics import GAME

GAP_S = 0.5
"""Longest time between two rows of one segment; the car's motion in a longer gap is unknown."""

SHORTEST_S = 3.0
"""Shortest segment that is replayed."""


@dataclass(frozen=True, slots=True)
class PathSegment:
    """One unbroken segment of the path, in steps of STEP_S.

    samples: its rows; row_step (rows,): the step of each row. x, y in metres, heading_rad anticlockwise, yaw_rate
    (radians a second to the right), speed_mph, steering and distance_m along the segment: (steps,). The segment starts
    at the origin, along the x axis.
    """

    samples: tuple[Sample, ...]
    row_step: npt.NDArray[np.intp]
    x: Float64Array
    y: Float64Array
    heading_rad: Float64Array
    yaw_rate: Float64Array
    speed_mph: Float64Array
    steering: Float64Array
    distance_m: Float64Array

    @property
    def length_m(self) -> float:
        """Length from its first step to its last."""
        return float(self.distance_m[-1])


@dataclass(frozen=True, slots=True)
class ReferencePath:
    """All segments of a recording that can be replayed. unused_rows: counts of the other rows, by the reason."""

    name: str
    segments: tuple[PathSegment, ...]
    unused_rows: dict[str, int]
    side_cameras: bool

    @property
    def length_m(self) -> float:
        """Length of all segments together."""
        return sum(segment.length_m for segment in self.segments)

    def summary(self) -> str:
        """One line for the user: what is replayed, what is not and why."""
        rows = sum(len(segment.samples) for segment in self.segments)
        count = len(self.segments)
        text = f"{self.name}: {rows} rows, {self.length_m:.0f} m, in {count} segment{'s'[: count != 1]}"
        text += "".join(f"; {number} rows {reason}" for reason, number in self.unused_rows.items())
        return text if self.side_cameras else f"{text}; it has one camera only, so views are shifted less"


def reference_path(recording: Recording) -> ReferencePath:
    """Reconstruct the path of a recording. Raises ValueError if nothing can be replayed."""
    unused_rows: Counter[str] = Counter()
    time_s = row_times_s(recording.samples)
    if any(math.isnan(s.time_s) for s in recording.samples):
        unused_rows[f"without a time, taken to be {ROW_S:g} s apart"] = time_s.size
    segments = tuple(
        _segment([recording.samples[i] for i in rows], time_s[rows])
        for rows in _segment_rows(recording.samples, time_s, unused_rows)
    )
    name = recording.folder.resolve().name
    if not segments:
        reasons = ", ".join(f"{number} rows {reason}" for reason, number in unused_rows.items())
        raise ValueError(f"{name} has no {SHORTEST_S:g} s of driving to replay: {reasons}")
    side_cameras = all(s.left and s.right for segment in segments for s in segment.samples)
    return ReferencePath(name, segments, dict(unused_rows), side_cameras)


def _segment_rows(
    samples: Sequence[Sample], time_s: Float64Array, unused_rows: Counter[str]
) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the rows of each piece without gap, standstill or manoeuvre; count the other rows in `unused_rows`."""
    pieces = unbroken_pieces(samples, time_s, GAP_S)
    unused_rows["standing still"] += len(samples) - sum(piece.rows.size for piece in pieces)
    for piece in pieces:
        rows = piece.rows[piece.steady]
        unused_rows["next to a standstill"] += piece.rows.size - rows.size
        if rows.size > 1 and time_s[rows[-1]] - time_s[rows[0]] >= SHORTEST_S:
            yield rows
        else:
            unused_rows[f"in pieces shorter than {SHORTEST_S:g} s"] += rows.size
    for reason in [reason for reason, number in unused_rows.items() if not number]:
        del unused_rows[reason]


def _segment(samples: Sequence[Sample], time_s: Float64Array) -> PathSegment:
    """Integrate as a replayed car does; speed and steering are interpolated linearly between two rows."""
    since_s = time_s - time_s[0]
    steps_s = np.arange(0, since_s[-1], STEP_S)
    speed = np.interp(steps_s, since_s, [s.speed_mph for s in samples])
    steering = np.interp(steps_s, since_s, [s.steering for s in samples])
    step_m = speed[:-1] * MPS_PER_MPH * STEP_S
    rate = GAME.rates(speed, steering, STEP_S)
    turn = -rate[1:] * STEP_S
    heading = np.concatenate([[0.0], np.cumsum(turn)])
    middle = heading[:-1] + turn / 2
    x, y, distance = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in (step_m * np.cos(middle), step_m * np.sin(middle), step_m)
    )
    row_step = np.minimum(np.round(since_s / STEP_S).astype(np.intp), steps_s.size - 1)
    heading = (heading + math.pi) % (2 * math.pi) - math.pi
    return PathSegment(tuple(samples), row_step, x, y, heading, rate, speed, steering, distance)
