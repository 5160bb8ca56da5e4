"""Where the simulator's cameras sit and how they look out: a point of the road in a frame, and the other way round.

The built-in simulator draws by it and the training shifts and turns real views by it, so it stands here once. Measured
on real frames: they warp onto each other, by the known distance driven, best for a camera 1.17 m above the road with
the horizon at row 61 (correlation 0.89 on the bridge), at Unity's 60 degrees of vertical view, which the yaw of a whole
lap agrees with.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

VERTICAL_VIEW_DEG = 60.0
CAMERA_HEIGHT_M = 1.17
CAMERA_AHEAD_M = 1.0
"""Of the rear axle."""

HORIZON_ROW = 61.0
SIDE_CAMERA_M = 1.0
"""How far the left and the right camera sit from the centre one."""

FOCAL_PX = FRAME_ROWS / 2 / math.tan(math.radians(VERTICAL_VIEW_DEG / 2))
PITCH_DEG = math.degrees(math.atan((FRAME_ROWS / 2 - HORIZON_ROW) / FOCAL_PX))
"""The camera looks down by this: 7.8 degrees."""


def projection() -> npt.NDArray[np.float64]:
    """(3, 3): metres right of, below and ahead of the camera, level with the road -> (column, row, 1) times depth.

    Columns and rows are edges, not indices: the middle of the first pixel is (0.5, 0.5).
    """
    sin, cos = math.sin(math.radians(PITCH_DEG)), math.cos(math.radians(PITCH_DEG))
    level = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    lens = np.array([[FOCAL_PX, 0, FRAME_COLUMNS / 2], [0, FOCAL_PX, FRAME_ROWS / 2], [0, 0, 1]])
    return np.asarray(lens @ level)
