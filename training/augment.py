"""Changes to a training image that keep its meaning, and what they do to the steering: pure functions of a seed.

Driving meets light, shadows, places and cameras that no recording has: each function makes one such variety from what
there is (`training.viewpoint` those of place). An image is a crop of a frame, uint8 RGB (rows, columns, 3), pixels are
the same as float32, not clipped; a seed is two integers, and the same seed gives the same result on any machine.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from training.hood import other_hood
from training.recipe import Recipe
from training.viewpoint import Rows, view

FIRST_LATER = 3
"""Effects added later take their own seeds from this number on, so that the first three still draw as they did."""


def augment(image: Any, steering: Any, seed: Any, recipe: Recipe, rows: Rows, hoods: Any) -> tuple[Any, Any]:
    """All of the recipe's varieties: the frame's `rows_to_read`, uint8, and steering -1..1 -> uint8 `rows`, steering.

    hoods: those of other frames, uint8 (n, k, 320, 3), see `training.hood`; None to leave each its own.
    What the recipe leaves at its neutral value costs nothing and changes nothing.
    """
    seeds = tf.unstack(tf.random.split(seed, 3))
    later = [tf.random.fold_in(seed, FIRST_LATER + i) for i in range(5)]
    image, steering = flip(image, steering, seeds[0])
    if recipe.shift_m or recipe.turn_deg:
        pixels, steering = view(image, steering, later[0], recipe, rows)
    else:
        pixels = tf.cast(image, tf.float32)
    if hoods is not None:
        pixels = other_hood(pixels, hoods, later[4])
    pixels = shadow(pixels, seeds[1], recipe.shadow_share)
    pixels = brightness(pixels, seeds[2], recipe.brightness_low, recipe.brightness_high)
    if recipe.blur_px:
        pixels = blur(pixels, later[1], 0.0, recipe.blur_px)
    if recipe.noise:
        pixels = noise(pixels, later[2], 0.0, recipe.noise)
    image = as_image(pixels)
    return (jpeg(image, later[3], recipe.jpeg_quality, 100) if recipe.jpeg_quality < 100 else image), steering


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


def blur(pixels: Any, seed: Any, low_px: float, high_px: float) -> Any:
    """Blurred by a Gaussian whose deviation lies in low_px..high_px pixels: rain, speed, a lens; float pixels."""
    reach = math.ceil(3 * high_px)
    deviation = tf.maximum(tf.random.stateless_uniform([], seed, low_px, high_px), 1e-3)
    weights = tf.exp(-0.5 * (tf.range(-reach, reach + 1, dtype=tf.float32) / deviation) ** 2)
    weights = tf.tile((weights / tf.reduce_sum(weights))[:, None], [1, 3])
    wide = tf.pad(pixels, [[reach, reach], [reach, reach], [0, 0]], "REFLECT")[None]
    down = tf.nn.depthwise_conv2d(wide, weights[:, None, :, None], [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(down, weights[None, :, :, None], [1, 1, 1, 1], "VALID")[0]


def noise(pixels: Any, seed: Any, low: float, high: float) -> Any:
    """Normal noise in every value, its deviation in low..high grey levels, as a dim sensor's; float pixels."""
    seeds = tf.unstack(tf.random.split(seed, 2))
    deviation = tf.random.stateless_uniform([], seeds[0], low, high)
    return pixels + deviation * tf.random.stateless_normal(tf.shape(pixels), seeds[1])


def jpeg(image: Any, seed: Any, low: int, high: int) -> Any:
    """Compressed and decoded again at a quality of low..high: other builds and networks send other frames; uint8."""
    quality = tf.random.stateless_uniform([], seed, low, high + 1, dtype=tf.int32)
    return tf.image.adjust_jpeg_quality(image, quality, dct_method="INTEGER_ACCURATE")
