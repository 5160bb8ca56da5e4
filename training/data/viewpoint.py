"""Training shifts and turns the view of a real frame, and computes the steering that leads back.

A recording shows the middle of the road, but a model that drives sees its edges. All that a network sees lies below the
horizon and nearly all of it on the road's plane, so one projective map moves the camera. What rises from that plane
(trees, walls) leans a little. The ends of rows, which no camera saw, are mirrored.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import tensorflow as tf

from protocol.arrays import Float64Array
from protocol.messages import EFFECTIVE_WHEELBASE_M, FRAME_COLUMNS, FRAME_ROWS, MAX_STEERING_ANGLE_DEG
from simulator.render.camera import CAMERA_AHEAD_M, RECORDING
from training.data.samples import correct_steering
from training.run.recipe import Recipe

CENTER = RECORDING.center

FARTHEST_M = 200.0
"""A drawn path ends here, which is half a row below the horizon."""

Rows = tuple[int, int]
"""The first row of a range of a frame's rows, and the first row below it."""


def view(image: Any, steering: Any, seed: Any, recipe: Recipe, rows: Rows) -> tuple[Any, Any]:
    """Shift and turn a view at random, up to the recipe's amounts; returns float32 pixels of `rows` and their steering.

    image: the frame's `rows_to_read`; steering: -1..1.
    """
    drawn = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    shift_m, turn_rad = drawn[0] * recipe.shift_m, drawn[1] * math.radians(recipe.turn_deg)
    pixels = view_from(image, shift_m, turn_rad, rows_to_read(rows, recipe), rows)
    return pixels, steer_back(steering, shift_m, turn_rad, recipe)


def view_from(image: Any, shift_m: Any, turn_rad: Any, read: Rows, rows: Rows) -> Any:
    """Compute what a camera sees `shift_m` further right, turned right by `turn_rad`: float32 pixels of `rows`.

    image: rows `read` of a frame, (rows, 320, 3), float or uint8. Pixels are interpolated.
    """
    sin, cos = tf.sin(tf.cast(turn_rad, tf.float64)), tf.cos(tf.cast(turn_rad, tf.float64))
    offset = tf.cast(shift_m, tf.float64) / CENTER.height_m
    zero, unit = tf.zeros([], tf.float64), tf.ones([], tf.float64)
    motion = tf.reshape(tf.stack([cos, offset, sin, zero, unit, zero, -sin, zero, cos]), (3, 3))
    into, out_of = _pixels_of_road(read[0]), np.linalg.inv(_pixels_of_road(rows[0]))
    pixel_map = tf.reshape(tf.constant(into) @ motion @ tf.constant(out_of), [9])
    view_pixels = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[None],
        transforms=tf.cast(pixel_map[:8] / pixel_map[8], tf.float32)[None],
        output_shape=tf.constant([rows[1] - rows[0], FRAME_COLUMNS]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    return tf.ensure_shape(view_pixels[0], (rows[1] - rows[0], FRAME_COLUMNS, 3))


def steer_back(steering: Any, shift_m: Any, turn_rad: Any, recipe: Recipe) -> Any:
    """Correct the steering, -1..1, for a moved view; a turn counts as the shift that it leads to in turn_reach_m."""
    left_m = -(shift_m + recipe.turn_reach_m * tf.tan(turn_rad))
    return correct_steering(steering, left_m, recipe.side_camera, tf)


def rows_to_read(rows: Rows, recipe: Recipe) -> Rows:
    """Return the rows of a frame from which `rows` may come when the view is moved by up to the recipe's amounts."""
    corners = np.array([(x, y, 1) for x in (0.5, FRAME_COLUMNS - 0.5) for y in (rows[0] + 0.5, rows[1] - 0.5)]).T
    back = np.linalg.inv(CENTER.projection()) @ corners
    heights = []
    for turn_deg, shift_m in product((-recipe.turn_deg, recipe.turn_deg), (-recipe.shift_m, recipe.shift_m)):
        sin, cos, offset = math.sin(math.radians(turn_deg)), math.cos(math.radians(turn_deg)), shift_m / CENTER.height_m
        _, row, depth = CENTER.projection() @ np.array([[cos, offset, sin], [0, 1, 0], [-sin, 0, cos]]) @ back
        heights += list(row / depth - 0.5)
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


def _pixels_of_road(first_row: int) -> Float64Array:
    """Return the (3, 3) map from points as in `projection` to column and row in an image that begins at `first_row`."""
    return np.array([[1, 0, -0.5], [0, 1, -0.5 - first_row], [0, 0, 1]]) @ CENTER.projection()
