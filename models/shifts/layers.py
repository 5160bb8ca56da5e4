"""Keras' layers as shifted copies, with their own weights, for training by a compiler: JAX, and TensorFlow on a GPU.

Their libraries compute the gradients of a depthwise convolution as those of a grouped one, which is slow. Answers and
gradients are those of Keras' own layers, except for rounding.
"""

from __future__ import annotations

import math
from typing import Any

from keras import layers

from models.shifts.network import LARGEST_PRODUCT, LARGEST_WINDOW
from models.shifts.operations import convolution, depthwise_convolution, max_pooling


def shifted_layer(layer: layers.Layer) -> layers.Layer:
    """Return an unbuilt copy of a layer, as shifted copies where that is faster."""
    kind: type[layers.Layer] = type(layer)
    if getattr(layer, "data_format", None) == "channels_last":
        if kind is layers.MaxPooling2D and math.prod(layer.pool_size) <= LARGEST_WINDOW:
            kind = ShiftedMaxPooling2D
        elif tuple(getattr(layer, "dilation_rate", ())) == (1, 1):
            places = math.prod(layer.kernel_size)
            if kind is layers.DepthwiseConv2D and layer.depth_multiplier == 1 and places <= LARGEST_WINDOW:
                kind = ShiftedDepthwiseConv2D
            elif kind is layers.Conv2D and layer.groups == 1 and places <= LARGEST_PRODUCT:
                kind = ProductConv2D
    return kind.from_config(layer.get_config())


class ShiftedMaxPooling2D(layers.MaxPooling2D):
    """Takes the maximum of shifted copies."""

    def call(self, inputs: Any) -> Any:
        """Float (n, h, w, c) -> float (n, h / strides, w / strides, c)."""
        return max_pooling(inputs, self.pool_size, self.strides, self.padding)


class ShiftedDepthwiseConv2D(layers.DepthwiseConv2D):
    """Adds shifted and scaled copies."""

    def call(self, inputs: Any) -> Any:
        """Float (n, h, w, c) -> float (n, h / strides, w / strides, c)."""
        return _finished(self, depthwise_convolution(inputs, self.kernel, self.strides, self.padding))


class ProductConv2D(layers.Conv2D):
    """Convolves by one product of matrices."""

    def call(self, inputs: Any) -> Any:
        """Float (n, h, w, in) -> float (n, h / strides, w / strides, out)."""
        return _finished(self, convolution(inputs, self.kernel, self.strides, self.padding))


def _finished(layer: Any, x: Any) -> Any:
    return layer.activation(x + layer.bias if layer.use_bias else x)
