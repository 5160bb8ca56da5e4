"""The car's three cameras as numbers, and the homographies that warp one camera's picture to another place.

The renderer draws with these cameras and the replay warps recorded pictures with them, so both must use the same
numbers. The numbers were measured on real frames; docs/replay.md says how.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

Matrix = npt.NDArray[np.float64]

VERTICAL_VIEW_DEG = 60.0
"""The vertical field of view, which is Unity's default."""

FOCAL_PX = FRAME_ROWS / 2 / math.tan(math.radians(VERTICAL_VIEW_DEG / 2))
CAMERA_AHEAD_M = 1.0
"""Distance of the cameras ahead of the rear axle."""


HOOD_ROW = 134
"""The first row that any camera's hood reaches: 137 on real frames, less a margin for turned views."""


@dataclass(frozen=True, slots=True)
class Camera:
    """lateral_offset_m: left of the car's middle; height_m: above road; horizon_row: from the top; yaw_rad: left."""

    lateral_offset_m: float
    height_m: float
    horizon_row: float
    yaw_rad: float = 0.0

    @property
    def pitch_rad(self) -> float:
        """The angle by which it looks down."""
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
    view: Camera, source: Camera, lateral_offset_m: float = 0.0, heading_error_rad: float = 0.0, ahead_m: float = 0.0
) -> tuple[Matrix, Matrix]:
    """Pixel (column, row, 1) of the view -> its source pixel: one for the road's plane, one for the far scene.

    The view's car stands lateral_offset_m to the left of the car that took the source and ahead_m ahead of it, and is
    turned left by heading_error_rad. Pixels are continuous: (0, 0) is the outer corner of the first. Source: Hartley
    and Zisserman, Multiple View Geometry, 2nd edition, 13.1, H = K (R + t n / d) K^-1.
    """
    rotation = turn(heading_error_rad)
    place = rotation @ np.array([-view.lateral_offset_m, 0.0, 0.0])
    shift = place + np.array([source.lateral_offset_m - lateral_offset_m, source.height_m - view.height_m, ahead_m])
    axes = rotation @ view.axes()
    down_per_m = view.axes()[1] / view.height_m
    to_source, from_view = LENS @ source.axes().T, np.linalg.inv(LENS)
    return to_source @ (axes + np.outer(shift, down_per_m)) @ from_view, to_source @ axes @ from_view
