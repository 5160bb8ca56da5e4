"""The hood at the bottom of a frame, exchanged: it tells which camera took the frame, and nothing of the road.

A network that may look at it learns "this is the left camera: steer right" from the hood instead of from the road, and
hardly steers back when the centre camera itself is aside, which is all that driving shows. So each training image gets
the hood of another centre frame, whatever camera took it.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from protocol.messages import FRAME_COLUMNS
from simulator.render.camera import HOOD_ROW
from training.data.viewpoint import Rows

HOODS = 256
"""Enough of them that none tells where it came from; 1.5 MB."""


def hood_rows(rows: Rows) -> Rows:
    """Those of a crop's rows that may show the hood; none of a crop that ends above it."""
    return max(rows[0], min(HOOD_ROW, rows[1])), rows[1]


def other_hood(pixels: Any, hoods: Any, seed: Any) -> Any:
    """Float32 pixels (rows, 320, 3) with one of `hoods` (n, k, 320, 3) as its last k rows, half of them mirrored."""
    drawn = tf.random.stateless_uniform([2], seed)
    hood = tf.cast(hoods[tf.cast(drawn[0] * len(hoods), tf.int32)], tf.float32)
    hood = tf.where(drawn[1] < 0.5, hood, tf.reverse(hood, axis=[1]))
    kept = pixels[: tf.shape(pixels)[0] - hoods.shape[1]]
    return tf.ensure_shape(tf.concat([kept, hood], axis=0), (None, FRAME_COLUMNS, 3))
