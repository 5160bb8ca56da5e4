"""Computes where the cells of a layer's output lie in the camera frame, so that a map can be drawn at its place.

Crops, strides, paddings and resizings move or widen the cells. Followed from the frame through the layers, they give
every cell's position to a fraction of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import layers

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

Matrix = npt.NDArray[np.float32]
Window = layers.Conv2D | layers.DepthwiseConv2D | layers.SeparableConv2D | layers.MaxPooling2D | layers.AveragePooling2D


@dataclass(frozen=True, slots=True)
class Axis:
    """Cells along rows or columns: their count, their distance `step` and the first cell's centre, in pixels."""

    count: int
    first: float
    step: float

    def resampling(self, target: Axis, outside: bool = False) -> Matrix:
        """The matrix (target.count, count) that interpolates linearly from these cells to those of `target`.

        Beyond the outermost cells their values continue. With `outside`, they continue only to the cells' edges,
        followed by 0.
        """
        places = target.first + target.step * np.arange(target.count)
        position = (places - self.first) / self.step
        low = np.clip(np.floor(position), 0, max(0, self.count - 2)).astype(int)
        high = np.minimum(low + 1, self.count - 1)
        share = np.clip(position - low, 0, 1)
        matrix = np.zeros((target.count, self.count))
        np.add.at(matrix, (np.arange(target.count), low), 1 - share)
        np.add.at(matrix, (np.arange(target.count), high), share)
        if outside:
            matrix[(position < -0.5) | (position > self.count - 0.5)] = 0.0
        return matrix.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of one layer's output."""

    rows: Axis
    columns: Axis


FRAME_GRID = Grid(Axis(FRAME_ROWS, 0.0, 1.0), Axis(FRAME_COLUMNS, 0.0, 1.0))


def grid_after(layer: Any, before: Grid) -> Grid:
    """The grid of the output of a layer or operation, from that of its first input. Raises ValueError if unknown."""
    size = tuple(layer.output.shape[1:3])
    axes = (before.rows, before.columns)
    if isinstance(layer, Window):
        windows = getattr(layer, "kernel_size", None) or layer.pool_size
        dilations = getattr(layer, "dilation_rate", (1, 1))
        settings = zip(size, axes, windows, layer.strides, dilations, strict=True)
        same = layer.padding == "same"
        return Grid(*(_windowed(count, axis, (k - 1) * d + 1, step, same) for count, axis, k, step, d in settings))
    if isinstance(layer, layers.Cropping2D | layers.ZeroPadding2D):
        margins = layer.cropping if isinstance(layer, layers.Cropping2D) else layer.padding
        sign = 1 if isinstance(layer, layers.Cropping2D) else -1
        shifted = zip(size, axes, margins, strict=True)
        return Grid(*(Axis(n, axis.first + sign * margin[0] * axis.step, axis.step) for n, axis, margin in shifted))
    if isinstance(layer, layers.Resizing | layers.UpSampling2D):
        return Grid(*(_resized(count, axis) for count, axis in zip(size, axes, strict=True)))
    if type(layer).__name__ == "Pad":  # the operation, which adds as many pixels on either side
        return Grid(*(Axis(n, a.first - (n - a.count) // 2 * a.step, a.step) for n, a in zip(size, axes, strict=True)))
    if type(layer).__name__ == "Einsum":  # the mean over areas, along one axis
        return Grid(*(_resized(count, axis) for count, axis in zip(size, axes, strict=True)))
    if size != (before.rows.count, before.columns.count):
        raise ValueError(f"layer {layer.name!r} ({type(layer).__name__}) moves pixels in an unknown way")
    return before


def _windowed(count: int, axis: Axis, window: int, step: int, same: bool) -> Axis:
    """The axis after a convolution or pooling; as in TensorFlow, padding "same" puts the smaller half first."""
    padding = max(0, (count - 1) * step + window - axis.count) // 2 if same else 0
    return Axis(count, axis.first + axis.step * ((window - 1) / 2 - padding), axis.step * step)


def _resized(count: int, axis: Axis) -> Axis:
    """The axis after a resizing with half-pixel centres: both grids share their borders."""
    ratio = axis.count / count
    return Axis(count, axis.first + axis.step * (ratio - 1) / 2, axis.step * ratio)
