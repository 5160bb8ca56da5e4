"""Projective maps of image batches by Keras' operations, which give the same pixels on each of its backends."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from training.data.viewpoint import CameraMotion, Rows, view_maps, warp_maps


def warp(images: Any, maps: Any, rows: int) -> Any:
    """Compute for each pixel of the result where it comes from, and interpolate there between four pixels.

    images: (n, height, width, channels), of any number type. maps: float32 (n, 8), the first eight numbers of a matrix
    (3, 3) whose ninth is 1; it takes column, row and 1 of the result to those of the image. Beyond its borders an image
    is mirrored. Returns float32 (n, rows, width, channels).
    """
    _, height, width, channels = images.shape
    grid = np.mgrid[0:rows, 0:width].astype(np.float32).reshape(2, 1, -1)
    row, column = map(ops.convert_to_tensor, grid)
    a, b, c, d, e, f, g, h = (maps[:, number : number + 1] for number in range(8))
    depth = g * column + h * row + 1.0
    x = _mirrored((a * column + b * row + c) / depth, width)
    y = _mirrored((d * column + e * row + f) / depth, height)
    left, top = ops.minimum(ops.floor(x), width - 2.0), ops.minimum(ops.floor(y), height - 2.0)
    to_right, down = (x - left)[..., None], (y - top)[..., None]
    pixels = ops.reshape(images, (-1, height * width, channels))
    first = ops.cast(top * width + left, "int32")[..., None]

    def neighbour(step: int) -> Any:
        return ops.cast(ops.take_along_axis(pixels, first + step, axis=1), "float32")

    upper = neighbour(0) * (1.0 - to_right) + neighbour(1) * to_right
    lower = neighbour(width) * (1.0 - to_right) + neighbour(width + 1) * to_right
    return ops.reshape(upper * (1.0 - down) + lower * down, (-1, rows, width, channels))


def view_from(images: Any, motion: CameraMotion, read: Rows, rows: Rows) -> Any:
    """Compute what moved cameras see: float32 pixels of `rows`, (n, rows, 320, 3).

    images: the rows `read` of frames, (n, rows, 320, 3), float or uint8, mirrored where `motion` says so.
    """
    maps = np.broadcast_to(view_maps(motion, read, rows), (images.shape[0], 3, 3))
    return warp(ops.convert_to_tensor(images), ops.convert_to_tensor(warp_maps(maps)), rows[1] - rows[0])


def _mirrored(place: Any, size: int) -> Any:
    """Fold places along an axis back into 0..size - 1, mirrored at the outer edges of its first and last pixel."""
    period = 2.0 * size
    folded = size - ops.abs(ops.mod(place + 0.5, period) - size) - 0.5
    return ops.clip(folded, 0.0, size - 1.0)
