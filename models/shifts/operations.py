"""Depthwise convolutions, poolings and small convolutions, written as shifted copies of their input.

A GPU's libraries compute a depthwise convolution as a grouped one, which is slow there. As a sum of shifted and scaled
copies, `w0 * x[j - 1] + w1 * x[j] + w2 * x[j + 1]`, a compiler fuses it with the activation and the maximum next to it.
All images are (n, height, width, channels) floats; sizes, strides and kernels are (rows, columns). The results equal
those of Keras' layers but for rounding. docs/benchmarks.md has the figures.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

from keras import ops


def depthwise_convolution(x: Any, kernel: Any, strides: Sequence[int], padding: str) -> Any:
    """Convolve each channel by itself. kernel: (rows, columns, channels, 1); padding: "same" or "valid"."""
    size = tuple(kernel.shape[:2])
    copies = shifted_copies(x, size, strides, padding, fill=0.0)
    places = itertools.product(*map(range, size))
    return functools.reduce(
        operator.add, (copy * kernel[i, j, :, 0] for copy, (i, j) in zip(copies, places, strict=True))
    )


def convolution(x: Any, kernel: Any, strides: Sequence[int], padding: str) -> Any:
    """Convolve by one product of matrices. kernel: (rows, columns, channels in, channels out)."""
    rows, columns, channels_in, channels_out = kernel.shape
    copies = shifted_copies(x, (rows, columns), strides, padding, fill=0.0)
    together = copies[0] if len(copies) == 1 else ops.concatenate(copies, axis=-1)
    return ops.matmul(together, ops.reshape(kernel, (rows * columns * channels_in, channels_out)))


def max_pooling(x: Any, size: Sequence[int], strides: Sequence[int], padding: str) -> Any:
    """Take the maximum of each window."""
    return functools.reduce(ops.maximum, shifted_copies(x, size, strides, padding, fill=float("-inf")))


def shifted_copies(x: Any, size: Sequence[int], strides: Sequence[int], padding: str, fill: float) -> list[Any]:
    """Return for each place of a window, row by row, what it sees at every position of the window.

    fill: the value of the border that the padding "same" adds.
    """
    spans = [_span(x.shape[1 + axis], size[axis], strides[axis], padding) for axis in (0, 1)]
    borders = [border for _, border in spans]
    if any(map(any, borders)):
        x = ops.pad(x, ((0, 0), *borders, (0, 0)), constant_values=fill)
    (rows, _), (columns, _) = spans
    return [
        x[
            :,
            i : i + (rows - 1) * strides[0] + 1 : strides[0],
            j : j + (columns - 1) * strides[1] + 1 : strides[1],
        ]
        for i, j in itertools.product(range(size[0]), range(size[1]))
    ]


def _span(length: int, size: int, stride: int, padding: str) -> tuple[int, tuple[int, int]]:
    """The number of positions of a window along one axis, and the border before and after."""
    if padding == "valid":
        return (length - size) // stride + 1, (0, 0)
    count = -(-length // stride)
    border = max(0, (count - 1) * stride + size - length)
    return count, (border // 2, border - border // 2)
