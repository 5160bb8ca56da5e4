"""The car's three cameras as numbers, and the homographies that carry one camera's picture to another place.

The renderer draws through them, and the replay moves recorded pictures with them: both must mean the same cameras.

The numbers were measured on real frames, and docs/replay.md says how. The centre camera is 1.17 m above the road, with
the horizon at row 61: so frames of Udacity's lake warp onto each other best by the distance driven between them. The
vertical view is Unity's 60 degrees, and the yaw of a whole lap agrees with it. The side cameras' places are the same on
four recordings within 0.03 m. Two cameras of one moment know lengths only as multiples of that height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

Matrix = npt.NDArray[np.float64]

VERTICAL_VIEW_DEG = 60.0
FOCAL_PX = FRAME_ROWS / 2 / math.tan(math.radians(VERTICAL_VIEW_DEG / 2))
CAMERA_AHEAD_M = 1.0
"""Of the rear axle."""


HOOD_ROW = 134
"""The first row of a frame that any camera's hood reaches, on real frames (137) and with room for turned views."""


@dataclass(frozen=True, slots=True)
class Camera:
    """lateral_offset_m: left of the car's middle; height_m: above road; horizon_row: from the top; yaw_rad: left"""

    lateral_offset_m: float
    height_m: float
    horizon_row: float
    yaw_rad: float = 0.0

    @property
    def pitch_rad(self) -> float:
        """How far it looks down."""
        return math.atan((FRAME_ROWS / 2 - self.horizon_row) / FOCAL_PX)

    def axes(self) -> Matrix:
        """Camera axes (right, down, forward) -> those of the level car."""
        cos, sin = math.cos(self.pitch_rad), math.sin(self.pitch_rad)
        return turn(self.yaw_rad) @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])


LENS: Matrix = np.array([[FOCAL_PX, 0, FRAME_COLUMNS / 2], [0, FOCAL_PX, FRAME_ROWS / 2], [0, 0, 1]])
"""Camera axes (right, down, forward) -> (column, row, 1) times depth; (0, 0) is the outer corner of the first pixel."""

CENTER = Camera(0.0, 1.17, 61.0)
LEFT = Camera(0.75, 1.18, 61.1, 0.003)
RIGHT = Camera(-0.75, 1.155, 60.9, -0.003)


def turn(left_rad: float) -> Matrix:
    """Axes (right, down, forward) of a car turned left -> axes of the car before."""
    cos, sin = math.cos(left_rad), math.sin(left_rad)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def projection() -> Matrix:
    """(3, 3): metres right of, below and ahead of the centre camera, level with the road -> a pixel times its depth."""
    return np.asarray(LENS @ CENTER.axes().T)


def homographies(
    shown: Camera, source: Camera, lateral_offset_m: float = 0.0, heading_error_rad: float = 0.0, ahead_m: float = 0.0
) -> tuple[Matrix, Matrix]:
    """Pixel (column, row, 1) of the shown picture -> its pixel in the source: for the road's plane, and for far away.

    The shown car stands lateral_offset_m to the left of the one that took the source and ahead_m before it, and points
    heading_error_rad further left.
    Pixels are continuous: (0, 0) is the outer corner of the first. Source: Hartley and Zisserman, Multiple View
    Geometry, 2nd edition, 13.1, H = K (R + t n / d) K^-1.
    """
    turned = turn(heading_error_rad)
    place = turned @ np.array([-shown.lateral_offset_m, 0.0, 0.0])
    moved = place + np.array([source.lateral_offset_m - lateral_offset_m, source.height_m - shown.height_m, ahead_m])
    axes = turned @ shown.axes()
    down_per_m = shown.axes()[1] / shown.height_m
    before, after = LENS @ source.axes().T, np.linalg.inv(LENS)
    return before @ (axes + np.outer(moved, down_per_m)) @ after, before @ axes @ after
