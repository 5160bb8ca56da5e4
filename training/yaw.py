"""The turning of the car as its frames show it, beside what its recorded steering says: how true the replay's car is.

The far scene moves sideways as the car turns, whatever else it does. So frames alone tell the yaw, and with what delay
it follows the steering, and how far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from protocol.messages import FRAME_COLUMNS
from protocol.recording import Sample
from simulator.camera import CENTER, FOCAL_PX
from simulator.car import STEP_S
from simulator.response import Response

Floats = npt.NDArray[np.float64]

FAR_ROWS = (35, round(CENTER.horizon_row))
MOST_COLUMNS = 40
"""Between two frames, in columns of equal angle: 14 degrees."""

SLOWEST_MPH, LONGEST_S = 6.0, 0.2
ALIKE = 0.7
"""Correlation below which two strips do not show the same."""

LEAST_PAIRS = 100


@dataclass(frozen=True, slots=True)
class Turning:
    """How well a car's response explains the yaw between `pairs` of neighbouring frames.

    unexplained_deg: standard deviation of seen less computed; share: seen as a multiple of computed, in its sense.
    """

    pairs: int
    correlation: float
    unexplained_deg: float
    share: float


def turnings(samples: Sequence[Sample], responses: Sequence[Response]) -> list[Turning]:
    """For each response, over consecutive rows of a recording. Raises ValueError where too few frames compare."""
    time_s = np.array([s.time_s for s in samples])
    since_s = time_s - time_s[0]
    steps_s = np.arange(0, since_s[-1], STEP_S)
    speed, steering = (
        np.interp(steps_s, since_s, [getattr(s, name) for s in samples]) for name in ("speed_mph", "steering")
    )
    seen, alike = yaw_seen(samples)
    moving = np.array([s.speed_mph > SLOWEST_MPH for s in samples])
    good = (alike > ALIKE) & (np.diff(time_s) < LONGEST_S) & moving[1:] & moving[:-1]
    if good.sum() < LEAST_PAIRS:
        raise ValueError(f"only {good.sum()} of {len(samples)} neighbouring frames can be compared; expected 100")
    found = []
    for response in responses:
        heading = np.cumsum(response.rates(np.maximum(speed, 1.0), steering)) * STEP_S
        told = np.diff(np.interp(since_s, steps_s, heading))[good]
        correlation = np.corrcoef(told, seen[good])[0, 1]
        share = (seen[good] * np.sign(told)).sum() / np.abs(told).sum()
        unexplained = math.degrees(float(np.std(seen[good] - told)))
        found.append(Turning(int(good.sum()), float(correlation), unexplained, float(share)))
    return found


def yaw_seen(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    """Turn to the right between each frame and the next, in radians, and how alike they are then, -1..1: (n - 1,)."""
    angle = np.linspace(-1, 1, FRAME_COLUMNS) * np.arctan((FRAME_COLUMNS / 2 - 1) / FOCAL_PX)
    column = np.round(FRAME_COLUMNS / 2 - 0.5 + FOCAL_PX * np.tan(angle)).astype(int)
    yaw, alike = np.zeros(len(samples) - 1), np.zeros(len(samples) - 1)
    strip = _strip(samples[0], column)
    for i, sample in enumerate(samples[1:]):
        before, strip = strip, _strip(sample, column)
        columns, alike[i] = _shift(before, strip)
        yaw[i] = columns * (angle[1] - angle[0])
    return yaw, alike


def _strip(sample: Sample, column: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    with Image.open(sample.center) as picture:
        grey = np.asarray(picture.convert("L"), np.float32)
    return grey[FAR_ROWS[0] : FAR_ROWS[1], column]


def _shift(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Columns by which the scene moved to the left, to a fraction by a parabola through the best three."""
    middle = _unit(after[:, MOST_COLUMNS:-MOST_COLUMNS])
    width = middle.shape[1]
    alike = np.array([(_unit(before[:, i : i + width]) * middle).sum() for i in range(2 * MOST_COLUMNS + 1)])
    best = int(alike.argmax())
    fraction = 0.0
    if 0 < best < len(alike) - 1:
        left, top, right = alike[best - 1 : best + 2]
        fraction = float((left - right) / 2 / (left - 2 * top + right))
    return best - MOST_COLUMNS + fraction, float(alike[best])


def _unit(strip: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    level = strip - strip.mean()
    return np.asarray(level / (np.sqrt(np.square(level).sum()) + 1e-6))
