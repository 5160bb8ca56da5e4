"""The images that a training learns from: their crops, and what is done to each in an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from training.data.crops import Crops, Paths, Pixels
from training.data.hood import draw_hoods
from training.data.samples import Drive
from training.data.variations import Variations, draw_variations
from training.data.viewpoint import Rows, rows_to_read
from training.run.recipe import Recipe

Draw = tuple[npt.NDArray[np.str_], Float64Array]
"""An epoch's image paths and steering, as `draw_epoch` draws them, (n,) each."""

Batch = tuple[Pixels, npt.NDArray[np.float32]]

READ_AT_ONCE = 64


class TrainingImages:
    """The images of drives, decoded into `folder`. rows: those that the network sees.

    hoods: those that images get, uint8 (m, k, 320, 3); k = 0 where the recipe leaves each its own.
    Raises RecordingError for an image that cannot be decoded.
    """

    def __init__(self, drives: Sequence[Drive], folder: Path, rows: Rows, recipe: Recipe, seed: int) -> None:
        self.rows, self._recipe, self._seed = rows, recipe, seed
        self.crops = Crops(folder, rows_to_read(rows, recipe))
        for drive in drives:
            self.add(drive)
        hoods = draw_hoods(np.concatenate([drive.images[:, 0] for drive in drives]), rows, seed)
        self.hoods = hoods if recipe.other_hood else hoods[:, :0]

    def add(self, drive: Drive) -> None:
        """Decode the images of one more drive."""
        self.crops.add(drive.name, drive.images.reshape(-1))

    def vary(self, draw: Draw, epoch: int) -> tuple[npt.NDArray[np.int32], Variations, npt.NDArray[np.float32]]:
        """Return the crops' numbers of an epoch's draw, what to do with each, and its corrected steering, (n,)."""
        paths, steering = draw
        variations, targets = draw_variations(steering, self._recipe, self.rows, len(self.hoods), self._seed, epoch)
        return self.crops.numbers(paths), variations, targets

    def batches(self, draw: Draw, epoch: int, augment: Callable[[Pixels, Variations], Pixels]) -> Iterator[Batch]:
        """Yield batches of varied crops, uint8 (batch, rows, 320, 3), and steering, float32 (batch, 1).

        The last batch is left out when it is smaller.
        """
        numbers, variations, targets = self.vary(draw, epoch)
        size = self._recipe.batch
        for first in range(0, len(numbers) - size + 1, size):
            part = slice(first, first + size)
            chosen = Variations(*(values[part] for values in variations))
            yield augment(self.crops.take(numbers[part]), chosen), targets[part, None]

    def read(self, paths: Paths) -> Iterator[Pixels]:
        """Yield what the network sees of image files in order, in batches of uint8 (n, rows, 320, 3)."""
        return self.crops.images(paths, self.rows, READ_AT_ONCE)
