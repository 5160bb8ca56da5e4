"""Augmentations change a training image and its steering in a way that keeps their meaning; they depend on a seed only.

Driving meets light, shadows, places and cameras that no recording shows. Each function here makes one such variation;
`viewpoint.py` moves the camera. An image is a crop of a frame, uint8 RGB (rows, columns, 3); pixels are the same as
float32, not clipped. A seed is two integers, and the same seed gives the same result on any machine.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from training.data.hood import replace_hood
from training.data.viewpoint import Rows, view
from training.run.recipe import Recipe


def augment(image: Any, steering: Any, seed: Any, recipe: Recipe, rows: Rows, hoods: Any) -> tuple[Any, Any]:
    """Apply all of the recipe's augmentations; returns an image of `rows`, uint8, and its steering, -1..1.

    image: the frame's `rows_to_read`, uint8; steering: -1..1; hoods: those of other frames, uint8 (n, k, 320, 3), see
    `training.data.hood`. An augmentation at its neutral value costs nothing and changes nothing.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    is_mirrored = tf.random.stateless_uniform([], seeds[0]) < 0.5
    image, steering = flip(image, steering, is_mirrored)
    if recipe.moves_views:
        pixels, steering = view(image, steering, is_mirrored, seeds[3], recipe, rows)
    else:
        pixels = tf.cast(image, tf.float32)
    if recipe.other_hood:
        pixels = replace_hood(pixels, hoods, seeds[4])
    pixels = shadow(pixels, seeds[1], recipe.shadow_share)
    return as_image(brightness(pixels, seeds[2], recipe.brightness_low, recipe.brightness_high)), steering


def as_image(pixels: Any) -> Any:
    """Round float pixels and clip them to uint8."""
    return tf.cast(tf.clip_by_value(tf.round(pixels), 0.0, 255.0), tf.uint8)


def flip(image: Any, steering: Any, is_mirrored: Any) -> tuple[Any, Any]:
    """Mirror an image left to right and negate its steering, or leave both as they are.

    Half of all images are mirrored, so that both sides of the road are learned.
    """
    image = tf.cond(is_mirrored, lambda: tf.reverse(image, axis=[1]), lambda: image)
    return image, tf.where(is_mirrored, -steering, steering)


def brightness(pixels: Any, seed: Any, low: float, high: float) -> Any:
    """Multiply all colours by one factor in low..high, as the study changes V in HSV; float pixels, not clipped."""
    return pixels * tf.random.stateless_uniform([], seed, low, high)


def shadow(pixels: Any, seed: Any, share: float) -> Any:
    """Darken one side of a random line across the road, in a share of images; float pixels."""
    drawn = tf.random.stateless_uniform([4], seed)

    def shaded() -> Any:
        rows, columns = tf.shape(pixels)[0], tf.shape(pixels)[1]
        across = tf.linspace(drawn[1], drawn[2], rows)[:, None]
        column = tf.linspace(0.0, 1.0, columns)[None, :]
        factor = tf.where(column < across, 0.4 + 0.5 * drawn[3], 1.0)
        return pixels * factor[:, :, None]

    return tf.cond(drawn[0] < share, shaded, lambda: pixels)
