"""The pipeline makes batches of image files, and decodes and augments them while the network works.

It crops images to the rows that the network sees before it augments them, so pixels outside cost no time. The model's
own first layer is the only definition of these rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from protocol.messages import FRAME_ROWS, FRAME_SHAPE
from training.data.augment import augment
from training.data.hood import HOODS, hood_rows
from training.data.viewpoint import rows_to_read
from training.run.recipe import Recipe

WORKERS = 2

Crops = npt.NDArray[np.uint8]


def training_batches(
    paths: npt.NDArray[np.str_],
    targets: npt.NDArray[np.float64],
    rows: tuple[int, int],
    recipe: Recipe,
    seed: tuple[int, int],
    hoods: npt.NDArray[np.uint8],
) -> Iterator[tuple[Crops, npt.NDArray[np.float32]]]:
    """Yield batches of augmented crops, uint8 (batch, rows, 320, 3), and steering, float32 (batch, 1).

    The last batch is left out when it is smaller. hoods: those of other frames, as `hoods` returns them.
    """
    numbers = np.arange(len(paths))
    data = tf.data.Dataset.from_tensor_slices((paths, targets.astype(np.float32), numbers))
    others = tf.constant(hoods)

    def sample(path: Any, target: Any, number: Any) -> tuple[Any, Any]:
        own_seed = tf.random.fold_in(tf.constant(seed, tf.int32), tf.cast(number, tf.int32))
        image, steering = augment(_crop(path, rows_to_read(rows, recipe)), target, own_seed, recipe, rows, others)
        return image, steering[None]

    return _batches(data, sample, recipe.batch, drop_remainder=True)


def images(paths: Sequence[str] | npt.NDArray[np.str_], rows: tuple[int, int], batch: int) -> Iterator[Crops]:
    """Yield all crops in order and without augmentation, in batches of uint8 (n, rows, 320, 3)."""
    data = tf.data.Dataset.from_tensor_slices(np.asarray(paths))
    return _batches(data, lambda path: _crop(path, rows), batch, drop_remainder=False)


def hoods(
    centre_paths: Sequence[str] | npt.NDArray[np.str_], rows: tuple[int, int], seed: int
) -> npt.NDArray[np.uint8]:
    """Return the hoods of HOODS random centre images, or of all if there are fewer: uint8 (n, k, 320, 3)."""
    sample = np.random.default_rng(seed).permutation(np.asarray(centre_paths))[:HOODS]
    return np.concatenate(list(images(sample, hood_rows(rows), len(sample))))


def crop_rows(cropping: tuple[tuple[int, int], tuple[int, int]]) -> tuple[int, int]:
    """Convert Keras' Cropping2D.cropping into the first row that it keeps and the first row below."""
    (top, bottom), _ = cropping
    return top, FRAME_ROWS - bottom


def _batches(data: tf.data.Dataset, function: Any, batch: int, *, drop_remainder: bool) -> Iterator[Any]:
    """Yield batches as NumPy arrays, which every backend of Keras accepts."""
    data = data.map(function, num_parallel_calls=WORKERS, deterministic=True)
    batches: Iterator[Any] = data.batch(batch, drop_remainder=drop_remainder).prefetch(2).as_numpy_iterator()
    return batches


def _crop(path: Any, rows: tuple[int, int]) -> Any:
    """Decode a JPEG or PNG as Pillow does when driving (accurate DCT), and crop it to the rows."""
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(image, FRAME_SHAPE)[rows[0] : rows[1]]
