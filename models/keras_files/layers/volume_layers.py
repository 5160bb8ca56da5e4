"""The convolutions, poolings and margins over stacks of frames, whose first axis is time, that a model file may use.

LiteRT convolves stacks, but pools only images. So a pooling runs on the images, and then over time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers, ops

from models.keras_files.layers.calculations import Calculation
from models.keras_files.layers.convolution_layers import (
    FORMAT,
    PADDINGS,
    convolution,
    convolution_shapes,
    global_pooling,
)
from models.keras_files.layers.layer_settings import LayerSettings, Maker

Pool = Callable[..., Any]
Size = tuple[int, ...]


def _pooling(pool: Pool) -> Maker:
    def make(settings: LayerSettings, common: dict[str, Any]) -> Any:
        size = settings.sizes("pool_size", 3, 2)
        strides = settings.sizes("strides", 3, size)
        padding = settings.choice("padding", "valid", PADDINGS)
        return Calculation(lambda x: _pooled(x, pool, size, strides, padding), **common)

    return make


def _pooled(x: Any, pool: Pool, size: Size, strides: Size, padding: str) -> Any:
    """(n, frames, rows, columns, channels), pooled over windows of `size` frames, rows and columns.

    The maximum of maxima is the maximum, and the mean of means the mean: what pads an image pads all of its windows.
    """
    frames, *shape = x.shape[1:]
    images = pool(ops.reshape(x, (-1, *shape)), size[1:], strides[1:], padding, **FORMAT)
    rows, columns, channels = images.shape[1:]
    times = ops.reshape(images, (-1, frames, rows * columns, channels))
    times = pool(times, (size[0], 1), (strides[0], 1), padding, **FORMAT)
    return ops.reshape(times, (-1, times.shape[1], rows, columns, channels))


def _margins(kind: Callable[..., Any], key: str) -> Maker:
    return lambda settings, common: kind(settings.margins(key, 3), **FORMAT, **common)


VOLUME_MAKERS: dict[str, Maker] = {
    "Conv3D": convolution(layers.Conv3D, 3),
    "MaxPooling3D": _pooling(ops.max_pool),
    "AveragePooling3D": _pooling(ops.average_pool),
    "GlobalMaxPooling3D": global_pooling(layers.GlobalMaxPooling3D),
    "GlobalAveragePooling3D": global_pooling(layers.GlobalAveragePooling3D),
    "Cropping3D": _margins(layers.Cropping3D, "cropping"),
    "ZeroPadding3D": _margins(layers.ZeroPadding3D, "padding"),
}

VOLUME_SHAPES = {"Conv3D": convolution_shapes(3)}
