"""Training replaces the car's hood at the bottom of a frame, because it shows which camera took the frame.

A network that sees the hood learns from it, instead of from the road, that the left camera's frames ask for steering to
the right. It then hardly steers back when the centre camera itself is off the middle, and driving shows only that. So
each training image gets the hood of another centre frame, whatever camera took it.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from protocol.messages import FRAME_COLUMNS
from simulator.render.camera import HOOD_ROW
from training.data.viewpoint import Rows

HOODS = 256
"""So many hoods, of 3.4 MB, that none reveals its frame."""


def hood_rows(rows: Rows) -> Rows:
    """Return the crop's rows that may show the hood; the range is empty for a crop that ends above it."""
    return max(rows[0], min(HOOD_ROW, rows[1])), rows[1]


def replace_hood(pixels: Any, hoods: Any, seed: Any) -> Any:
    """Replace the last k rows of float32 pixels (rows, 320, 3) by one of `hoods` (n, k, 320, 3), or its mirror."""
    drawn = tf.random.stateless_uniform([2], seed)
    hood = tf.cast(hoods[tf.cast(drawn[0] * len(hoods), tf.int32)], tf.float32)
    hood = tf.where(drawn[1] < 0.5, hood, tf.reverse(hood, axis=[1]))
    road = pixels[: tf.shape(pixels)[0] - hoods.shape[1]]
    return tf.ensure_shape(tf.concat([road, hood], axis=0), (None, FRAME_COLUMNS, 3))
