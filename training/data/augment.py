"""Changes to a training image that keep its meaning, and what they do to the steering: pure functions of a seed.

Driving meets light, shadows, places and cameras that no recording has: each function makes one such variety from what
there is (`viewpoint.py` those of place). An image is a crop of a frame, uint8 RGB (rows, columns, 3), pixels are
the same as float32, not clipped; a seed is two integers, and the same seed gives the same result on any machine.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from training.data.hood import other_hood
from training.data.viewpoint import Rows, view
from training.run.recipe import Recipe


def augment(image: Any, steering: Any, seed: Any, recipe: Recipe, rows: Rows, hoods: Any) -> tuple[Any, Any]:
    """All of the recipe's varieties: the frame's `rows_to_read`, uint8, and steering -1..1 -> uint8 `rows`, steering.

    hoods: those of other frames, uint8 (n, k, 320, 3), see `training.data.hood`.
    What the recipe leaves at its neutral value costs nothing and changes nothing.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    image, steering = flip(image, steering, seeds[0])
    if recipe.shift_m or recipe.turn_deg:
        pixels, steering = view(image, steering, seeds[3], recipe, rows)
    else:
        pixels = tf.cast(image, tf.float32)
    if recipe.other_hood:
        pixels = other_hood(pixels, hoods, seeds[4])
    pixels = shadow(pixels, seeds[1], recipe.shadow_share)
    return as_image(brightness(pixels, seeds[2], recipe.brightness_low, recipe.brightness_high)), steering


def as_image(pixels: Any) -> Any:
    """Float pixels, rounded and clipped to uint8."""
    return tf.cast(tf.clip_by_value(tf.round(pixels), 0.0, 255.0), tf.uint8)


def flip(image: Any, steering: Any, seed: Any) -> tuple[Any, Any]:
    """Half of all images mirrored left to right, their steering negated: no side of the road is the usual one."""
    if_flipped = tf.random.stateless_uniform([], seed) < 0.5
    image = tf.cond(if_flipped, lambda: tf.reverse(image, axis=[1]), lambda: image)
    return image, tf.where(if_flipped, -steering, steering)


def brightness(pixels: Any, seed: Any, low: float, high: float) -> Any:
    """All colours times one factor in low..high, as the origin's change of V in HSV; float pixels, not clipped."""
    return pixels * tf.random.stateless_uniform([], seed, low, high)


def shadow(pixels: Any, seed: Any, share: float) -> Any:
    """In a share of images, darken what lies on one side of a random line across the road; float pixels."""
    drawn = tf.random.stateless_uniform([4], seed)

    def shaded() -> Any:
        rows, columns = tf.shape(pixels)[0], tf.shape(pixels)[1]
        across = tf.linspace(drawn[1], drawn[2], rows)[:, None]
        column = tf.linspace(0.0, 1.0, columns)[None, :]
        factor = tf.where(column < across, 0.4 + 0.5 * drawn[3], 1.0)
        return pixels * factor[:, :, None]

    return tf.cond(drawn[0] < share, shaded, lambda: pixels)
