"""Rewrites a loaded network for a compiler: without the rows that it crops away, and its layers as shifted copies.

A layer that is not known here stays as it is, so every network that loads also runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from models.keras_files.layers.calculations import Calculation
from models.shifts.operations import convolution, depthwise_convolution, max_pooling

LARGEST_WINDOW = 9
"""A depthwise convolution or a pooling of more places is left to the library."""

LARGEST_PRODUCT = 2
"""A convolution of more places is left to the library: its input would be copied as often."""


@dataclass(frozen=True, slots=True)
class CompilerForm:
    """A network for a compiler. model: as the loaded one, but its frames have the rows and columns of `view` alone."""

    model: keras.Model
    view: tuple[slice, slice]


def compiler_form(model: keras.Model, shifts: bool) -> CompilerForm:
    """The same network with the same weights; `model` itself cannot be rewritten a second time.

    shifts: whether to write layers as shifted copies too.
    """
    frames, *measurements = model.inputs
    crop = _crop(model)
    view = _view(crop, frames.shape) if crop is not None else (slice(None), slice(None))
    shape = frames.shape if crop is None else crop.output.shape
    inputs = [keras.Input(batch_shape=shape, dtype=frames.dtype, name="frames")]
    inputs += [keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name) for x in measurements]

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if layer is crop:
            return layers.Identity()(*arguments)
        function = _shifted(layer) if shifts else None
        return layer(*arguments, **options) if function is None else Calculation(function)(*arguments)

    rewritten = keras.models.clone_model(
        model,
        input_tensors=inputs if measurements else inputs[0],
        clone_function=lambda layer: layer,
        call_function=call,
    )
    return CompilerForm(rewritten, view)


def _crop(model: keras.Model) -> Any:
    """The Cropping2D that alone takes the frames, or None."""
    frames = model.inputs[0]
    takers = [operation for operation in model.operations if _takes(operation, frames)]
    alone = len(takers) == 1 and isinstance(takers[0], layers.Cropping2D)
    return takers[0] if alone and takers[0].data_format == "channels_last" else None


def _takes(operation: Any, x: Any) -> bool:
    if isinstance(operation, layers.InputLayer):
        return False
    return any(source is x for source in keras.tree.flatten(operation.input))


def _view(crop: layers.Cropping2D, shape: tuple[int, ...]) -> tuple[slice, slice]:
    (top, bottom), (left, right) = crop.cropping
    return slice(top, shape[1] - bottom), slice(left, shape[2] - right)


def _shifted(layer: Any) -> Callable[[Any], Any] | None:
    """The layer as a function of shifted copies, or None where the layer stays."""
    if getattr(layer, "data_format", None) != "channels_last" or layer.compute_dtype != "float32":
        return None
    if type(layer) is layers.MaxPooling2D and _places(layer.pool_size) <= LARGEST_WINDOW:
        return lambda x: max_pooling(x, layer.pool_size, layer.strides, layer.padding)
    if type(layer) is layers.DepthwiseConv2D and layer.depth_multiplier == 1:
        function, largest = depthwise_convolution, LARGEST_WINDOW
    elif type(layer) is layers.Conv2D and layer.groups == 1:
        function, largest = convolution, LARGEST_PRODUCT
    else:
        return None
    if _places(layer.kernel_size) > largest or tuple(layer.dilation_rate) != (1, 1):
        return None

    def convolve(x: Any) -> Any:
        y = function(x, layer.kernel, layer.strides, layer.padding)
        return layer.activation(y + layer.bias if layer.use_bias else y)

    return convolve


def _places(window: tuple[int, int]) -> int:
    return window[0] * window[1]
