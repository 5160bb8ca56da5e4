"""What an augmentation does to each image of an epoch, drawn with NumPy from the seed, so it is the same everywhere.

A drawn row of numbers belongs to one image: its map (mirror and moved camera), its shadow, its brightness and its hood.
The steering is corrected here as well, so a training step only changes pixels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from training.data.viewpoint import Rows, draw_motions, mirrored_maps, rows_to_read, steer_back, view_maps, warp_maps
from training.run.recipe import Recipe

DRAWS = 11
"""Random numbers for each image, whatever the recipe uses of them."""

AUGMENTATION = 1
"""Tells this module's random numbers from those that drew the epoch's images."""


class Variations(NamedTuple):
    """What to do with each of n images; a training step takes these arrays.

    maps: float32 (n, 8), see `warp`; shadows: float32 (n, 3), see `shadow`; brightness: float32 (n,); hoods: int32
    (n,), the number of the hood that an image gets.
    """

    maps: Any
    shadows: Any
    brightness: Any
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
        (recipe.brightness_low + (recipe.brightness_high - recipe.brightness_low) * drawn[9]).astype(np.float32),
        (drawn[10] * hoods).astype(np.int32),
    )
    return variations, steering.astype(np.float32)
