"""What an augmentation does to each image of an epoch, drawn with NumPy from the seed, so it is the same everywhere.

A drawn row of numbers belongs to one image: its map (mirror and moved camera), its shadow, its light, its noise and its
hood. The steering is corrected here as well, so a training step only changes pixels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from training.data.viewpoint import Rows, draw_motions, mirrored_maps, rows_to_read, steer_back, view_maps, warp_maps
from training.run.recipe import Recipe

DRAWS = 20
"""Random numbers for each image, whatever the recipe uses of them."""

NOISES = 16
"""So many pictures of noise, of 5 MB, are made once and drawn from; making noise for each image would take longer."""

PIVOT_LEVELS = (40.0, 220.0)
"""The grey level that stays as it is where contrast changes: dark as at night, or bright as in fog."""

AUGMENTATION = 1
"""Tells this module's random numbers from those that drew the epoch's images."""


class Variations(NamedTuple):
    """What to do with each of n images; a training step takes these arrays.

    maps: float32 (n, 8), see `warp`; shadows: float32 (n, 3), see `shadow`; light: float32 (n, 4), see `light`; noise:
    float32 (n,), its standard deviation in grey levels; noises, hoods: int32 (n,), the numbers of the noise picture and
    of the hood that an image gets.
    """

    maps: Any
    shadows: Any
    light: Any
    noise: Any
    noises: Any
    hoods: Any


def draw_variations(
    steering: Float64Array, recipe: Recipe, rows: Rows, hoods: int, seed: int, epoch: int
) -> tuple[Variations, npt.NDArray[np.float32]]:
    """Draw the variations of an epoch's images, and correct their steering, (n,) of -1..1, for them.

    rows: those of the crop; hoods: how many there are to choose from. What image number i gets depends only on the
    seed, the epoch and i.
    """
    drawn = np.random.default_rng((seed, epoch, AUGMENTATION)).random((len(steering), DRAWS)).T
    is_mirrored = drawn[0] < 0.5
    steering = np.where(is_mirrored, -steering, steering)
    if recipe.moves_views:
        motions = draw_motions(drawn[1:5], is_mirrored, recipe)
        maps = view_maps(motions, rows_to_read(rows, recipe), rows)
        steering = steer_back(steering, motions.shift_m, motions.turn_rad, recipe)
    else:
        maps = np.tile(np.eye(3), (len(steering), 1, 1))
    is_shaded = drawn[5] < recipe.shadow_share
    variations = Variations(
        warp_maps(mirrored_maps(maps, is_mirrored)),
        np.stack([drawn[6], drawn[7], np.where(is_shaded, 0.4 + 0.5 * drawn[8], 1.0)], axis=1).astype(np.float32),
        _draw_light(drawn[10:17], recipe),
        np.where(drawn[17] < recipe.noise_share, recipe.noise_levels * drawn[18], 0.0).astype(np.float32),
        (drawn[19] * NOISES).astype(np.int32),
        (drawn[9] * hoods).astype(np.int32),
    )
    return variations, steering.astype(np.float32)


def _draw_light(drawn: Float64Array, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Make random numbers of 0..1, (7, n), the factors of red, green and blue, and what is added to all: (n, 4)."""
    is_flat = drawn[2] < recipe.contrast_share
    contrast = np.where(is_flat, recipe.contrast_low + (1 - recipe.contrast_low) * drawn[3], 1.0)
    brightness = recipe.brightness_low + (recipe.brightness_high - recipe.brightness_low) * drawn[0]
    factors = np.where(is_flat, contrast, brightness) * (1 + recipe.tint * (2 * drawn[4:7] - 1))
    pivot = PIVOT_LEVELS[0] + (PIVOT_LEVELS[1] - PIVOT_LEVELS[0]) * drawn[1]
    return np.stack([*factors, (1 - contrast) * pivot], axis=1).astype(np.float32)
