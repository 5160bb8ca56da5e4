"""Training images are moved a little, anew for each epoch: shifted, turned, zoomed, slanted or mirrored.

Small groups of images share one random move, because a move is then one fast gather over all of a group's pixels. The
groups' members are drawn anew, too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.study.datasets import Images
from training.study.recipes import StudyRecipe

GROUP = 250
"""So many images share one move; an epoch of digits has 240 different moves."""


def move_images(images: Images, recipe: StudyRecipe, random: np.random.Generator) -> Images:
    """Move each image, uint8 (n, rows, columns, colours), by the recipe; empty places become 0."""
    if not (recipe.shift or recipe.turn_deg or recipe.zoom or recipe.slant or recipe.mirror):
        return images
    result = np.empty_like(images)
    order = random.permutation(len(images))
    for first in range(0, len(images), GROUP):
        group = order[first : first + GROUP]
        result[group] = _interpolate(images[group], *_draw_move(images.shape[1:3], recipe, random))
    return result


def _draw_move(
    size: tuple[int, ...], recipe: StudyRecipe, random: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw a move; returns each pixel's source row and source column, (rows, columns) each."""
    angle = np.radians(recipe.turn_deg) * random.uniform(-1, 1)
    zoom, slant = 1 + recipe.zoom * random.uniform(-1, 1), recipe.slant * random.uniform(-1, 1)
    down, right = random.integers(-recipe.shift, recipe.shift + 1, 2)
    sign = -1 if recipe.mirror and random.random() < 0.5 else 1
    middle_row, middle_column = (size[0] - 1) / 2, (size[1] - 1) / 2
    row, column = np.mgrid[: size[0], : size[1]].astype(float)
    row, column = row - middle_row - down, sign * (column - middle_column - right)
    turned_row = (np.cos(angle) * row - np.sin(angle) * column) / zoom
    turned_column = (np.sin(angle) * row + np.cos(angle) * column) / zoom + slant * turned_row
    return turned_row + middle_row, turned_column + middle_column


def _interpolate(images: Images, row: npt.NDArray[np.float64], column: npt.NDArray[np.float64]) -> Images:
    """Interpolate images bilinearly at these rows and columns; places outside an image are 0."""
    top, left = np.floor(row + 1e-9).astype(int), np.floor(column + 1e-9).astype(int)
    below, beside = row - top, column - left
    total = np.zeros(images.shape, np.float32)
    for i, j, weight in (
        (0, 0, (1 - below) * (1 - beside)),
        (0, 1, (1 - below) * beside),
        (1, 0, below * (1 - beside)),
        (1, 1, below * beside),
    ):
        r, c = top + i, left + j
        inside = (r >= 0) & (r < images.shape[1]) & (c >= 0) & (c < images.shape[2])
        share = np.where(inside & (weight > 1e-6), weight, 0).astype(np.float32)
        if share.any():
            total += (
                share[..., np.newaxis]
                * images[:, np.clip(r, 0, images.shape[1] - 1), np.clip(c, 0, images.shape[2] - 1)]
            )
    return np.rint(total).astype(np.uint8)
