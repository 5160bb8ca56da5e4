"""The turning of the car as its frames show it, beside what its recorded steering says: how true the bicycle model is.

The far scene moves sideways as the car turns, whatever else it does. So frames alone tell the yaw, and with what delay
it follows the steering, and how far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from protocol.messages import FRAME_COLUMNS, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH
from protocol.recording import Sample
from simulator.camera import CENTER, FOCAL_PX
from simulator.car import WHEELBASE_M

Floats = npt.NDArray[np.float64]

FAR_ROWS = (35, round(CENTER.horizon_row))
MOST_COLUMNS = 40
"""Between two frames, in columns of equal angle: 14 degrees."""

ALIKE = 0.7
"""Correlation below which two strips do not show the same."""

LAGS_S = np.arange(-0.1, 0.31, 0.01)


@dataclass(frozen=True, slots=True)
class Turning:
    """Yaw against steering over `pairs` of neighbouring frames. lag_s: how long after the steering the car turns.

    correlation: at that lag; share: the yaw seen while the wheel is turned, as a multiple of the bicycle model's.
    """

    pairs: int
    lag_s: float
    correlation: float
    share: float


def turning(samples: Sequence[Sample]) -> Turning:
    """Compare them over consecutive rows of a recording. Raises ValueError where no two frames can be compared."""
    time_s = np.array([s.time_s for s in samples])
    tangent = np.tan(np.radians([MAX_STEERING_ANGLE_DEG * s.steering for s in samples]))
    speed_mps = np.array([s.speed_mph for s in samples]) * MPS_PER_MPH
    way_m = np.diff(time_s) * (speed_mps[1:] + speed_mps[:-1]) / 2
    yaw, alike = yaw_seen(samples)
    good = (alike > ALIKE) & (np.diff(time_s) < 0.2) & (way_m > 0.2)
    if good.sum() < 100:
        raise ValueError(f"only {good.sum()} of {len(samples)} neighbouring frames can be compared; expected 100")
    middle_s = (time_s[1:] + time_s[:-1]) / 2
    told = [np.interp(middle_s - lag, time_s, tangent) * way_m / WHEELBASE_M for lag in LAGS_S]
    correlations = [np.corrcoef(one[good], yaw[good])[0, 1] for one in told]
    best = int(np.argmax(correlations))
    steered, seen = told[best][good], yaw[good]
    share = (seen * np.sign(steered)).sum() / np.abs(steered).sum()
    return Turning(int(good.sum()), float(LAGS_S[best]), float(correlations[best]), float(share))


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
