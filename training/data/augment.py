"""Augmentations change a batch of training images in ways that keep their meaning.

Driving meets light, shadows, places and cameras that no recording shows. Each function here makes one such variation as
Keras' operations on a whole batch, which is compiled together with the training step and gives the same pixels on each
backend, except for rounding. `variations.py` draws what to do with each image. Pixels are float32 (n, rows, columns, 3)
of 0..255, not clipped.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from protocol.messages import FRAME_COLUMNS
from training.data.hood import replace_hood
from training.data.variations import NOISES, Variations
from training.data.warp import warp


def augment(crops: Any, variations: Variations, hoods: Any, rows: int) -> Any:
    """Vary crops: uint8 (n, rows to read, 320, 3) -> uint8 (n, rows, 320, 3).

    variations: as drawn for these crops; hoods: those of other frames, uint8 (m, k, 320, 3), k = 0 to keep all hoods.
    """
    pixels = warp(crops, variations.maps, rows)
    pixels = replace_hood(pixels, hoods, variations.hoods)
    pixels = light(shadow(pixels, variations.shadows), variations.light)
    return as_image(noise(pixels, variations.noise, variations.noises))


def as_image(pixels: Any) -> Any:
    """Round float pixels and clip them to uint8."""
    return ops.cast(ops.clip(ops.round(pixels), 0.0, 255.0), "uint8")


def light(pixels: Any, lights: Any) -> Any:
    """Multiply red, green and blue by a factor each, and add one number of grey levels to all.

    lights: float32 (n, 4). Equal factors change the brightness, as the study changes V in HSV; different ones tint, and
    smaller ones with a number added take contrast away, as fog does.
    """
    return pixels * lights[:, None, None, :3] + lights[:, None, None, 3:]


def noise(pixels: Any, deviations: Any, numbers: Any) -> Any:
    """Add noise of these standard deviations, float32 (n,), from the noise pictures of these numbers, int32 (n,)."""
    pictures = ops.convert_to_tensor(noise_pictures(pixels.shape[1]))
    return pixels + deviations[:, None, None, None] * ops.take(pictures, numbers, axis=0)


@cache
def noise_pictures(rows: int) -> npt.NDArray[np.float32]:
    """Return the pictures of normal noise, mean 0 and deviation 1: float32 (NOISES, rows, 320, 3), always the same."""
    return np.random.default_rng(0).standard_normal((NOISES, rows, FRAME_COLUMNS, 3), np.float32)


def shadow(pixels: Any, shadows: Any) -> Any:
    """Darken what is left of a line across the road.

    shadows: float32 (n, 3), the line's place in the first row and in the last, as a share of the width, and the factor
    of what is dark; 1 leaves an image as it is.
    """
    rows, columns = pixels.shape[1:3]
    down = ops.convert_to_tensor(np.linspace(0.0, 1.0, rows, dtype=np.float32)[None, :, None])
    column = ops.convert_to_tensor(np.linspace(0.0, 1.0, columns, dtype=np.float32)[None, None, :])
    first, last, factor = (shadows[:, number, None, None] for number in range(3))
    return pixels * ops.where(column < first + (last - first) * down, factor, 1.0)[..., None]
