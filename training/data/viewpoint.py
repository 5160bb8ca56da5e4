"""Training shifts, turns, pitches and rolls the view of a real frame, and computes the steering that leads back.

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
import tensorflow as tf

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
    """How a view's camera stands to the frame's: to the right, and turned right. Its horizon's row and its own roll.

    All are numbers, or scalar tensors of float64.
    """

    shift_m: Any = 0.0
    turn_rad: Any = 0.0
    horizon_row: Any = CENTER.horizon_row
    roll_rad: Any = CENTER.roll_rad
    frame_side: Any = 1.0
    """-1 for a frame that was mirrored, because its camera is then turned and rolled the other way."""


def view(image: Any, steering: Any, is_mirrored: Any, seed: Any, recipe: Recipe, rows: Rows) -> tuple[Any, Any]:
    """Move a view at random, up to the recipe's amounts; returns float32 pixels of `rows` and their steering.

    image: the frame's `rows_to_read`, mirrored if is_mirrored says so; steering: -1..1.
    """
    drawn = tf.random.stateless_uniform([4], seed, -1.0, 1.0, tf.float64)
    side = tf.where(is_mirrored, tf.constant(-1.0, tf.float64), 1.0)
    motion = CameraMotion(
        drawn[0] * recipe.shift_m,
        drawn[1] * math.radians(recipe.turn_deg),
        _between(recipe.horizon_rows, drawn[2]) if recipe.horizon_rows else CENTER.horizon_row,
        _between(recipe.roll_deg, drawn[3]) * math.radians(1) if recipe.roll_deg else side * CENTER.roll_rad,
        side,
    )
    shift_m, turn_rad = (tf.cast(value, tf.float32) for value in motion[:2])
    pixels = view_from(image, motion, rows_to_read(rows, recipe), rows)
    return pixels, steer_back(steering, shift_m, turn_rad, recipe)


def _between(ends: tuple[float, float], drawn: Any) -> Any:
    return ends[0] + (ends[1] - ends[0]) * (drawn + 1) / 2


def view_from(image: Any, motion: CameraMotion, read: Rows, rows: Rows) -> Any:
    """Compute what a moved camera sees: float32 pixels of `rows`, interpolated.

    image: rows `read` of a frame, (rows, 320, 3), float or uint8.
    """
    moved = CameraMotion(*(tf.cast(value, tf.float64) for value in motion))
    pixel_map = tf.reshape(_pixel_map(moved, read[0], rows[0], tf), [9])
    view_pixels = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[None],
        transforms=tf.cast(pixel_map[:8] / pixel_map[8], tf.float32)[None],
        output_shape=tf.constant([rows[1] - rows[0], FRAME_COLUMNS]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    return tf.ensure_shape(view_pixels[0], (rows[1] - rows[0], FRAME_COLUMNS, 3))


def _pixel_map(motion: CameraMotion, first_read: int, first_row: int, xp: Any) -> Any:
    """Return the (3, 3) map from column, row and 1 of the view to those of the image, both without the rows above.

    xp: the library of the numbers, numpy or tensorflow, which name these functions alike.
    """
    moved = _rotation(-motion.turn_rad, _LEFT, xp) + motion.shift_m / CENTER.height_m * _ASIDE
    frame_yaw, frame_roll = motion.frame_side * CENTER.yaw_rad, motion.frame_side * CENTER.roll_rad
    to_frame = xp.transpose(_axes(CENTER.horizon_row, frame_yaw, frame_roll, xp))
    from_view = _axes(motion.horizon_row, np.float64(CENTER.yaw_rad), motion.roll_rad, xp)
    return _pixels(first_read) @ (to_frame @ moved @ from_view) @ np.linalg.inv(_pixels(first_row))


def _axes(horizon_row: Any, yaw_rad: Any, roll_rad: Any, xp: Any) -> Any:
    """Camera axes (right, down, forward) -> those of the level car, as `Camera.axes`."""
    pitch_rad = xp.atan((FRAME_ROWS / 2 - horizon_row) / FOCAL_PX * xp.cos(roll_rad))
    return _rotation(yaw_rad, _LEFT, xp) @ _rotation(pitch_rad, _DOWN, xp) @ _rotation(roll_rad, _ANTICLOCKWISE, xp)


_LEFT, _DOWN, _ANTICLOCKWISE, _ASIDE = np.zeros((4, 3, 3))
_LEFT[[0, 2], [2, 0]] = _DOWN[[2, 1], [1, 2]] = _ANTICLOCKWISE[[1, 0], [0, 1]] = -1, 1
_ASIDE[0, 1] = 1


def _rotation(angle_rad: Any, way: Float64Array, xp: Any) -> Any:
    """Rodrigues' formula. way: the derivative of the rotation at 0."""
    return xp.sin(angle_rad) * way + (1 - xp.cos(angle_rad)) * (way @ way) + np.eye(3)


def _pixels(first_row: int) -> Float64Array:
    """The (3, 3) map from camera axes to column and row in an image that begins at `first_row`."""
    return np.asarray(np.array([[1, 0, -0.5], [0, 1, -0.5 - first_row], [0, 0, 1]]) @ LENS)


def steer_back(steering: Any, shift_m: Any, turn_rad: Any, recipe: Recipe) -> Any:
    """Correct the steering, -1..1, for a moved view; a turn counts as the shift that it leads to in turn_reach_m."""
    left_m = -(shift_m + recipe.turn_reach_m * tf.tan(turn_rad))
    return correct_steering(steering, left_m, recipe.side_camera, tf)


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
            _, row, depth = _pixel_map(motion, 0, rows[0], np) @ corners
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
