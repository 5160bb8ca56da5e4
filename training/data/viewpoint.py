"""The road as a car would see it from further aside or turned, made from one real frame, and how to steer back.

A recording shows the middle of the road, a model that drives sees its edges. All that a network looks at lies below the
horizon and nearly all of it on the road's plane, so one projective map moves the camera; what stands up from that plane
(trees, walls) leans a little. The ends of rows, which no camera saw, are mirrored.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from protocol.arrays import Float64Array
from protocol.messages import EFFECTIVE_WHEELBASE_M, FRAME_COLUMNS, FRAME_ROWS, MAX_STEERING_ANGLE_DEG
from simulator.render.camera import CAMERA_AHEAD_M, CENTER, projection
from training.data.samples import corrected
from training.run.recipe import Recipe

Rows = tuple[int, int]
"""First row of a frame, and the first row no longer meant."""


def view(image: Any, steering: Any, seed: Any, recipe: Recipe, rows: Rows) -> tuple[Any, Any]:
    """Shift and turn by up to the recipe's amounts: the frame's `rows_to_read`, steering -> float pixels of `rows`."""
    drawn = tf.random.stateless_uniform([2], seed, -1.0, 1.0)
    shift_m, turn_rad = drawn[0] * recipe.shift_m, drawn[1] * math.radians(recipe.turn_deg)
    pixels = seen_from(image, shift_m, turn_rad, rows_to_read(rows, recipe), rows)
    return pixels, steered_back(steering, shift_m, turn_rad, recipe)


def seen_from(image: Any, shift_m: Any, turn_rad: Any, read: Rows, rows: Rows) -> Any:
    """What a camera `shift_m` further right, turned right by `turn_rad`, sees of the road: float32 pixels of `rows`.

    image: rows `read` of a frame, (rows, 320, 3), float or uint8. Interpolated between pixels.
    """
    sin, cos = tf.sin(tf.cast(turn_rad, tf.float64)), tf.cos(tf.cast(turn_rad, tf.float64))
    aside = tf.cast(shift_m, tf.float64) / CENTER.height_m
    none, one = tf.zeros([], tf.float64), tf.ones([], tf.float64)
    motion = tf.reshape(tf.stack([cos, aside, sin, none, one, none, -sin, none, cos]), (3, 3))
    into, out_of = _pixels_of_road(read[0]), np.linalg.inv(_pixels_of_road(rows[0]))
    pixel_map = tf.reshape(tf.constant(into) @ motion @ tf.constant(out_of), [9])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[None],
        transforms=tf.cast(pixel_map[:8] / pixel_map[8], tf.float32)[None],
        output_shape=tf.constant([rows[1] - rows[0], FRAME_COLUMNS]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    return tf.ensure_shape(moved[0], (rows[1] - rows[0], FRAME_COLUMNS, 3))


def steered_back(steering: Any, shift_m: Any, turn_rad: Any, recipe: Recipe) -> Any:
    """The steering that a moved view asks for, -1..1: a turn is corrected as the shift it leads to in turn_reach_m."""
    left_m = -(shift_m + recipe.turn_reach_m * tf.tan(turn_rad))
    return corrected(steering, left_m, recipe.side_camera, tf)


def rows_to_read(rows: Rows, recipe: Recipe) -> Rows:
    """The rows of a frame that its `rows` may come from when it is turned as far as the recipe says."""
    corners = np.array([(x, y, 1) for x in (0.5, FRAME_COLUMNS - 0.5) for y in (rows[0] + 0.5, rows[1] - 0.5)]).T
    turn = math.radians(recipe.turn_deg)
    back = np.linalg.inv(projection()) @ corners
    heights = []
    for sin, cos in ((math.sin(turn), math.cos(turn)), (-math.sin(turn), math.cos(turn))):
        _, row, depth = projection() @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]) @ back
        heights += list(row / depth - 0.5)
    first, last = math.floor(min(heights) + 1e-6), math.ceil(max(heights) - 1e-6)
    return max(0, first), min(FRAME_ROWS, last + 1)


def path_columns(steering: float, rows: Rows) -> Float64Array:
    """Where the car's middle will go if it keeps steering so: a column for each of the frame's rows, nan above it all.

    The arc of a bicycle model on the road's plane, for drawing.
    """
    middles = np.stack(
        [np.full(rows[1] - rows[0], FRAME_COLUMNS / 2), np.arange(*rows) + 0.5, np.ones(rows[1] - rows[0])]
    )
    _, below, ahead = np.linalg.inv(projection()) @ middles
    ahead_m = np.where(below > 0, ahead * CENTER.height_m / np.maximum(below, 1e-9), np.nan)
    bend = math.tan(math.radians(steering * MAX_STEERING_ANGLE_DEG)) / EFFECTIVE_WHEELBASE_M
    way_m = ahead_m + CAMERA_AHEAD_M
    inside = (bend * way_m) ** 2 < 1
    lateral_offset_m = np.where(inside, bend * way_m**2 / (1 + np.sqrt(np.maximum(0, 1 - (bend * way_m) ** 2))), np.nan)
    column, _, depth = projection() @ np.stack([lateral_offset_m, np.full_like(ahead_m, CENTER.height_m), ahead_m])
    return np.asarray(column / depth)


def _pixels_of_road(first_row: int) -> Float64Array:
    """(3, 3): points as in `projection` -> column, row as indices into an image that begins at a row of the frame."""
    return np.array([[1, 0, -0.5], [0, 1, -0.5 - first_row], [0, 0, 1]]) @ projection()
