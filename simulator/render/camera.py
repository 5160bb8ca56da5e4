"""The car's cameras as numbers, and the homographies that warp one camera's picture to another place.

The renderer draws with these cameras and the replay warps recorded pictures with them, so both must use the same
numbers. They come from Udacity's Unity project and from real frames; docs/replay.md says how.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

Matrix = npt.NDArray[np.float64]

VERTICAL_VIEW_DEG = 60.0
"""The vertical field of view, which is Unity's default."""

FOCAL_PX = FRAME_ROWS / 2 / math.tan(math.radians(VERTICAL_VIEW_DEG / 2))


def lens_of(focal_px: float) -> Matrix:
    """Camera axes (right, down, forward) -> (column, row, 1) times depth; (0, 0) is the first pixel's outer corner."""
    return np.array([[focal_px, 0, FRAME_COLUMNS / 2], [0, focal_px, FRAME_ROWS / 2], [0, 0, 1]])


def view_deg(focal_px: float) -> tuple[float, float]:
    """The field of view of a lens from side to side, and from top to bottom."""
    across, down = (2 * math.degrees(math.atan(side / 2 / focal_px)) for side in (FRAME_COLUMNS, FRAME_ROWS))
    return across, down


LENS = lens_of(FOCAL_PX)
"""The lens of all cameras of Udacity's cars."""

CAMERA_AHEAD_M = 2.6
"""Distance of the cameras ahead of the rear axle."""

CAMERA_HEIGHT_M = 1.23
"""Height of the cameras above the road."""

ROLL_RAD = math.radians(1.17)
"""Each camera is turned anticlockwise about its axis, so that the horizon falls by 6.5 rows from left to right."""

YAW_RAD = math.radians(-0.7)
"""Each camera is turned right, so that the way straight ahead lies 1.7 columns left of the middle."""

HOOD_ROW = 126
"""The first row that a hood reaches: 134 on real frames, less a margin for views that training moves."""


@dataclass(frozen=True, slots=True)
class Camera:
    """lateral_offset_m: left of the car's middle; height_m: above the road; horizon_row: in the middle column, from
    the top; yaw_rad: turned left; roll_rad: turned anticlockwise, as the camera sees it; focal_px: the focal length.
    """

    lateral_offset_m: float
    height_m: float
    horizon_row: float
    yaw_rad: float = 0.0
    roll_rad: float = 0.0
    focal_px: float = FOCAL_PX

    @property
    def pitch_rad(self) -> float:
        """The angle by which it looks down."""
        return math.atan((FRAME_ROWS / 2 - self.horizon_row) / self.focal_px * math.cos(self.roll_rad))

    @property
    def lens(self) -> Matrix:
        """(3, 3): as `lens_of`."""
        return lens_of(self.focal_px)

    def axes(self) -> Matrix:
        """Camera axes (right, down, forward) -> those of the level car."""
        cos, sin = math.cos(self.pitch_rad), math.sin(self.pitch_rad)
        pitched = turn(self.yaw_rad) @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
        cos, sin = math.cos(self.roll_rad), math.sin(self.roll_rad)
        return pitched @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])

    def projection(self) -> Matrix:
        """(3, 3): metres right of, below and ahead of the camera, level with the road -> a pixel times its depth."""
        return np.asarray(self.lens @ self.axes().T)

    def horizon_rows(self) -> npt.NDArray[np.float64]:
        """The row of the horizon in the middle of each of the picture's columns, (320,)."""
        columns = np.arange(FRAME_COLUMNS) + 0.5 - FRAME_COLUMNS / 2
        return np.asarray(self.horizon_row + columns * math.tan(self.roll_rad))


class Rig(NamedTuple):
    """The three cameras of one car."""

    center: Camera
    left: Camera
    right: Camera


def _rig(horizon_row: float) -> Rig:
    offsets_m = (0.0, 0.806, -0.825)
    return Rig(*(Camera(offset_m, CAMERA_HEIGHT_M, horizon_row, YAW_RAD, ROLL_RAD) for offset_m in offsets_m))


RECORDING = _rig(61.7)
"""The cameras of the car that records, in Udacity's training mode."""

AUTONOMOUS = _rig(58.7)
"""Those of the car that a model drives, in autonomous mode: its stiffer springs let the nose sit 1.2 degrees lower."""

RIGS = {"recording": RECORDING, "autonomous": AUTONOMOUS}


def turn(left_rad: float) -> Matrix:
    """Axes (right, down, forward) of a car turned left -> axes of the car before."""
    cos, sin = math.cos(left_rad), math.sin(left_rad)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


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
    to_source, from_view = source.projection(), np.linalg.inv(view.lens)
    return to_source @ (axes + np.outer(shift, down_per_m)) @ from_view, to_source @ axes @ from_view
