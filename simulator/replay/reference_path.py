"""A recording -> the line its driver drove, from its times, speeds and steering and how the car answers them.

Only differences between a model's steering and the driver's matter to a replay, so the line need not close after a lap;
but where the recording says nothing of how the car went on - gaps, standstills, manoeuvres - the line must be cut.
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
from simulator.replay.steering_dynamics import GAME
from simulator.world.car import STEP_S

GAP_S = 0.5
"""Between two rows; what the car did in a longer one is not known."""

SHORTEST_S = 3.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """One unbroken piece of the line, in steps of STEP_S.

    samples: its rows; row_step (rows,): the step of each. x, y in metres, heading_rad anticlockwise, yaw_rate (radians
    a second to the right), speed_mph, steering and distance_m along the stretch: (steps,). The line starts at the
    origin, along the x axis.
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
        """From its first step to its last."""
        return float(self.distance_m[-1])


@dataclass(frozen=True, slots=True)
class ReferencePath:
    """All that can be replayed of a recording. left_out: rows that cannot, by the reason."""

    name: str
    stretches: tuple[Stretch, ...]
    left_out: dict[str, int]
    side_cameras: bool

    @property
    def length_m(self) -> float:
        """Of all stretches."""
        return sum(stretch.length_m for stretch in self.stretches)

    def summary(self) -> str:
        """One line for the user: what is replayed, what is not and why."""
        rows = sum(len(stretch.samples) for stretch in self.stretches)
        count = len(self.stretches)
        said = f"{self.name}: {rows} rows, {self.length_m:.0f} m, in {count} stretch{'es'[: 2 * (count != 1)]}"
        said += "".join(f"; {number} rows {reason}" for reason, number in self.left_out.items())
        return said if self.side_cameras else f"{said}; one camera only, so smaller shifts"


def reference_path(recording: Recording) -> ReferencePath:
    """Reconstruct it. Raises ValueError where nothing can be replayed."""
    left_out: Counter[str] = Counter()
    time_s = row_times_s(recording.samples)
    if any(math.isnan(s.time_s) for s in recording.samples):
        left_out[f"without a time, taken to be {ROW_S:g} s apart"] = time_s.size
    found = tuple(
        _stretch([recording.samples[i] for i in rows], time_s[rows])
        for rows in _unbroken(recording.samples, time_s, left_out)
    )
    name = recording.folder.resolve().name
    if not found:
        reasons = ", ".join(f"{number} rows {reason}" for reason, number in left_out.items())
        raise ValueError(f"{name} has no {SHORTEST_S:g} s of driving to replay: {reasons}")
    sides = all(s.left and s.right for stretch in found for s in stretch.samples)
    return ReferencePath(name, found, dict(left_out), sides)


def _unbroken(
    samples: Sequence[Sample], time_s: Float64Array, left_out: Counter[str]
) -> Iterator[npt.NDArray[np.intp]]:
    """Rows of each piece without gap, standstill or manoeuvre; counts the others."""
    pieces = unbroken_pieces(samples, time_s, GAP_S)
    left_out["standing still"] += len(samples) - sum(piece.rows.size for piece in pieces)
    for piece in pieces:
        rows = piece.rows[piece.steady]
        left_out["next to a standstill"] += piece.rows.size - rows.size
        if rows.size > 1 and time_s[rows[-1]] - time_s[rows[0]] >= SHORTEST_S:
            yield rows
        else:
            left_out[f"in pieces shorter than {SHORTEST_S:g} s"] += rows.size
    for reason in [reason for reason, number in left_out.items() if not number]:
        del left_out[reason]


def _stretch(samples: Sequence[Sample], time_s: Float64Array) -> Stretch:
    """Integrate as a replayed car does. Between two rows speed and steering lie on the straight line between theirs."""
    since_s = time_s - time_s[0]
    steps_s = np.arange(0, since_s[-1], STEP_S)
    speed = np.interp(steps_s, since_s, [s.speed_mph for s in samples])
    steering = np.interp(steps_s, since_s, [s.steering for s in samples])
    way = speed[:-1] * MPS_PER_MPH * STEP_S
    rate = GAME.rates(speed, steering)
    turn = -rate[1:] * STEP_S
    heading = np.concatenate([[0.0], np.cumsum(turn)])
    middle = heading[:-1] + turn / 2
    x, y, distance = (
        np.concatenate([[0.0], np.cumsum(part)]) for part in (way * np.cos(middle), way * np.sin(middle), way)
    )
    row_step = np.minimum(np.round(since_s / STEP_S).astype(np.intp), steps_s.size - 1)
    heading = (heading + math.pi) % (2 * math.pi) - math.pi
    return Stretch(tuple(samples), row_step, x, y, heading, rate, speed, steering, distance)
