"""Training shifts, turns, pitches and rolls views of real frames, and computes the steering that leads back.

A recording shows the middle of the road through one camera, but a model that drives sees the road's edges, through
another. All that a network sees lies below the horizon and nearly all of it on the road's plane, so one projective map
moves the camera. What rises from that plane (trees, walls) leans a little. The ends of rows, which no camera saw, are
mirrored.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.messages import EFFECTIVE_WHEELBASE_M, FRAME_COLUMNS, FRAME_ROWS, MAX_STEERING_ANGLE_DEG
from simulator.render.camera import CAMERA_AHEAD_M, FOCAL_PX, LENS, RECORDING
from training.data.samples import correct_steering
from training.run.recipe import Recipe

CENTER = RECORDING.center

FARTHEST_M = 200.0
"""A drawn path ends here, which is half a row below the horizon."""

Rows = tuple[int, int]
"""The first row of a range of a frame's rows, and the first row below it."""


class CameraMotion(NamedTuple):
    """How views' cameras stand to their frames': to the right, and turned right. Their horizons' rows and own rolls.

    All are numbers, or arrays (n,).
    """

    shift_m: Any = 0.0
    turn_rad: Any = 0.0
    horizon_row: Any = CENTER.horizon_row
    roll_rad: Any = CENTER.roll_rad
    frame_side: Any = 1.0
    """-1 for a frame that was mirrored, because its camera is then turned and rolled the other way."""


def draw_motions(drawn: Float64Array, is_mirrored: npt.NDArray[np.bool_], recipe: Recipe) -> CameraMotion:
    """Make random numbers of 0..1, (4, n), motions up to the recipe's amounts; is_mirrored: which frames are, (n,)."""
    side = np.where(is_mirrored, -1.0, 1.0)
    return CameraMotion(
        (2 * drawn[0] - 1) * recipe.shift_m,
        (2 * drawn[1] - 1) * math.radians(recipe.turn_deg),
        _between(recipe.horizon_rows, drawn[2]) if recipe.horizon_rows else CENTER.horizon_row,
        np.radians(_between(recipe.roll_deg, drawn[3])) if recipe.roll_deg else side * CENTER.roll_rad,
        side,
    )


def _between(ends: tuple[float, float], drawn: Float64Array) -> Float64Array:
    return ends[0] + (ends[1] - ends[0]) * drawn


def view_maps(motion: CameraMotion, read: Rows, rows: Rows) -> Float64Array:
    """Return the maps (..., 3, 3) from column, row and 1 of moved views to those of the frames.

    rows: those of a view; read: those of the frame that it comes from. A mirrored frame's map ends in its mirror
    image.
    """
    return _pixel_map(motion, read[0], rows[0])


def mirrored_maps(maps: Float64Array, is_mirrored: npt.NDArray[np.bool_]) -> Float64Array:
    """Let the maps (n, 3, 3) of mirrored frames take to these frames as they are."""
    mirror = np.array([[-1.0, 0.0, FRAME_COLUMNS - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return np.where(is_mirrored[:, None, None], mirror @ maps, maps)


def warp_maps(maps: Float64Array) -> npt.NDArray[np.float32]:
    """Return maps (n, 3, 3) as `warp` takes them, float32 (n, 8)."""
    numbers = maps.reshape(-1, 9)
    return (numbers[:, :8] / numbers[:, 8:]).astype(np.float32)


def _pixel_map(motion: CameraMotion, first_read: int, first_row: int) -> Float64Array:
    """Return the (..., 3, 3) maps from column, row and 1 of views to those of images, both without the rows above."""
    motion_map = _rotation(-_number(motion.turn_rad), _LEFT) + _number(motion.shift_m) / CENTER.height_m * _ASIDE
    side = _number(motion.frame_side)
    to_frame = np.swapaxes(_axes(_number(CENTER.horizon_row), side * CENTER.yaw_rad, side * CENTER.roll_rad), -1, -2)
    from_view = _axes(_number(motion.horizon_row), _number(CENTER.yaw_rad), _number(motion.roll_rad))
    return np.asarray(_pixels(first_read) @ (to_frame @ motion_map @ from_view) @ np.linalg.inv(_pixels(first_row)))


def _number(value: Any) -> Float64Array:
    """A number, or numbers (n,), as (..., 1, 1) for products with matrices."""
    return np.asarray(value, np.float64)[..., None, None]


def _axes(horizon_row: Float64Array, yaw_rad: Float64Array, roll_rad: Float64Array) -> Float64Array:
    """Camera axes (right, down, forward) -> those of the level car, as `Camera.axes`."""
    pitch_rad = np.arctan((FRAME_ROWS / 2 - horizon_row) / FOCAL_PX * np.cos(roll_rad))
    return _rotation(yaw_rad, _LEFT) @ _rotation(pitch_rad, _DOWN) @ _rotation(roll_rad, _ANTICLOCKWISE)


_LEFT, _DOWN, _ANTICLOCKWISE, _ASIDE = np.zeros((4, 3, 3))
_LEFT[[0, 2], [2, 0]] = _DOWN[[2, 1], [1, 2]] = _ANTICLOCKWISE[[1, 0], [0, 1]] = -1, 1
_ASIDE[0, 1] = 1


def _rotation(angle_rad: Float64Array, way: Float64Array) -> Float64Array:
    """Rodrigues' formula. way: the derivative of the rotation at 0."""
    return np.asarray(np.sin(angle_rad) * way + (1 - np.cos(angle_rad)) * (way @ way) + np.eye(3))


def _pixels(first_row: int) -> Float64Array:
    """The (3, 3) map from camera axes to column and row in an image that begins at `first_row`."""
    return np.asarray(np.array([[1, 0, -0.5], [0, 1, -0.5 - first_row], [0, 0, 1]]) @ LENS)


def steer_back(steering: Any, shift_m: Any, turn_rad: Any, recipe: Recipe) -> Float64Array:
    """Correct the steering, -1..1, for moved views; a turn counts as the shift that it leads to in turn_reach_m."""
    left_m = -(shift_m + recipe.turn_reach_m * np.tan(turn_rad))
    return correct_steering(steering, left_m, recipe.side_camera)


def rows_to_read(rows: Rows, recipe: Recipe) -> Rows:
    """Return the rows of a frame from which `rows` may come when the view is moved by up to the recipe's amounts."""
    if not recipe.moves_views:
        return rows
    corners = np.array([(x, y, 1) for x in (0, FRAME_COLUMNS - 1) for y in (0, rows[1] - rows[0] - 1)]).T
    shifts, turns = ((-most, most) for most in (recipe.shift_m, math.radians(recipe.turn_deg)))
    horizons = recipe.horizon_rows or (CENTER.horizon_row,)
    heights = []
    for shift_m, turn_rad, horizon_row, side in product(shifts, turns, horizons, (-1.0, 1.0)):
        for roll_deg in recipe.roll_deg or (side * math.degrees(CENTER.roll_rad),):
            motion = CameraMotion(shift_m, turn_rad, horizon_row, math.radians(roll_deg), side)
            _, row, depth = _pixel_map(motion, 0, rows[0]) @ corners
            heights += list(row / depth)
    first, last = math.floor(min(heights) + 1e-6), math.ceil(max(heights) - 1e-6)
    return max(0, first), min(FRAME_ROWS, last + 1)


def path_columns(steering: float, rows: Rows) -> Float64Array:
    """Compute the path of the car's middle under constant steering: a column for each of `rows`, nan above its end.

    The path is the arc of a bicycle model on the road's plane; it is for drawing.
    """
    bend = math.tan(math.radians(steering * MAX_STEERING_ANGLE_DEG)) / EFFECTIVE_WHEELBASE_M or 1e-9
    turned_rad = bend * np.linspace(0, min(FARTHEST_M, math.pi / 2 / abs(bend)), 2000)
    ahead_m, right_m = np.sin(turned_rad) / bend, 2 * np.sin(turned_rad / 2) ** 2 / bend
    seen = ahead_m > CAMERA_AHEAD_M
    column, row, depth = CENTER.projection() @ np.stack(
        [right_m[seen], np.full(seen.sum(), CENTER.height_m), ahead_m[seen] - CAMERA_AHEAD_M]
    )
    order = np.argsort(row / depth)
    return np.interp(np.arange(*rows) + 0.5, (row / depth)[order], (column / depth)[order], left=np.nan)
