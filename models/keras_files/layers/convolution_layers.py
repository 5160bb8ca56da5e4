"""The convolutions and poolings that a model file may use, and the shapes of the convolutions' weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import layers

from models.keras_files.layers.activations import read_activation
from models.keras_files.layers.layer_settings import LayerSettings, Maker, Shape

FORMAT = {"data_format": "channels_last"}


def convolution(kind: Callable[..., Any], axes: int) -> Maker:
    def make(settings: LayerSettings, common: dict[str, Any]) -> Any:
        groups = settings.integer("groups", 1)
        return kind(settings.integer("filters"), groups=groups, **_kernel_arguments(settings, axes), **common)

    return make


def _transposed(settings: LayerSettings, common: dict[str, Any]) -> Any:
    if settings.config.get("output_padding") is not None:
        raise settings.wrong("output_padding is not supported")
    return layers.Conv2DTranspose(settings.integer("filters"), **_kernel_arguments(settings, 2), **common)


def _depthwise(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """A depthwise convolution; it ignores `groups`, which files of Keras 2 contain and Keras 3 refuses."""
    return layers.DepthwiseConv2D(
        depth_multiplier=settings.integer("depth_multiplier", 1), **_kernel_arguments(settings, 2), **common
    )


def _separable(kind: Callable[..., Any], axes: int) -> Maker:
    def make(settings: LayerSettings, common: dict[str, Any]) -> Any:
        multiplier = settings.integer("depth_multiplier", 1)
        arguments = _kernel_arguments(settings, axes)
        return kind(settings.integer("filters"), depth_multiplier=multiplier, **arguments, **common)

    return make


def _kernel_arguments(settings: LayerSettings, axes: int) -> dict[str, Any]:
    return {
        "kernel_size": settings.sizes("kernel_size", axes),
        "strides": settings.sizes("strides", axes, 1),
        "padding": settings.choice("padding", "valid", ("valid", "same", "causal") if axes == 1 else PADDINGS),
        "dilation_rate": settings.sizes("dilation_rate", axes, 1),
        "activation": read_activation(settings),
        "use_bias": settings.flag("use_bias", True),
        **FORMAT,
    }


def _pooling(kind: Callable[..., Any], axes: int) -> Maker:
    def make(settings: LayerSettings, common: dict[str, Any]) -> Any:
        size = settings.sizes("pool_size", axes, 2)
        strides = settings.sizes("strides", axes, size)
        return kind(size, strides=strides, padding=settings.choice("padding", "valid", PADDINGS), **FORMAT, **common)

    return make


def global_pooling(kind: Callable[..., Any]) -> Maker:
    return lambda settings, common: kind(keepdims=settings.flag("keepdims", False), **FORMAT, **common)


PADDINGS = ("valid", "same")

CONVOLUTION_MAKERS: dict[str, Maker] = {
    "Conv1D": convolution(layers.Conv1D, 1),
    "Conv2D": convolution(layers.Conv2D, 2),
    "Conv2DTranspose": _transposed,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv1D": _separable(layers.SeparableConv1D, 1),
    "SeparableConv2D": _separable(layers.SeparableConv2D, 2),
    "MaxPooling1D": _pooling(layers.MaxPooling1D, 1),
    "MaxPooling2D": _pooling(layers.MaxPooling2D, 2),
    "AveragePooling1D": _pooling(layers.AveragePooling1D, 1),
    "AveragePooling2D": _pooling(layers.AveragePooling2D, 2),
    "GlobalMaxPooling1D": global_pooling(layers.GlobalMaxPooling1D),
    "GlobalMaxPooling2D": global_pooling(layers.GlobalMaxPooling2D),
    "GlobalAveragePooling1D": global_pooling(layers.GlobalAveragePooling1D),
    "GlobalAveragePooling2D": global_pooling(layers.GlobalAveragePooling2D),
}


def with_bias(settings: LayerSettings, kernels: Sequence[Shape], channels: int | None = None) -> list[Shape]:
    """The kernels' shapes, followed by that of the bias if there is one. channels: of the output."""
    bias = [(channels or kernels[-1][-1],)] if settings.flag("use_bias", True) else []
    return [*kernels, *bias]


def convolution_shapes(axes: int) -> Callable[[LayerSettings, Shape], list[Shape]]:
    def shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
        channels = shape[-1] // settings.integer("groups", 1)
        return with_bias(settings, [(*settings.sizes("kernel_size", axes), channels, settings.integer("filters"))])

    return shapes


def _transposed_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    filters = settings.integer("filters")
    return with_bias(settings, [(*settings.sizes("kernel_size", 2), filters, shape[-1])], filters)


def _depthwise_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    multiplier = settings.integer("depth_multiplier", 1)
    kernel = (*settings.sizes("kernel_size", 2), shape[-1], multiplier)
    return with_bias(settings, [kernel], shape[-1] * multiplier)


def _separable_shapes(axes: int) -> Callable[[LayerSettings, Shape], list[Shape]]:
    def shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
        multiplier = settings.integer("depth_multiplier", 1)
        depthwise = (*settings.sizes("kernel_size", axes), shape[-1], multiplier)
        pointwise = (*(1,) * axes, shape[-1] * multiplier, settings.integer("filters"))
        return with_bias(settings, [depthwise, pointwise])

    return shapes


CONVOLUTION_SHAPES = {
    "Conv1D": convolution_shapes(1),
    "Conv2D": convolution_shapes(2),
    "Conv2DTranspose": _transposed_shapes,
    "DepthwiseConv2D": _depthwise_shapes,
    "SeparableConv1D": _separable_shapes(1),
    "SeparableConv2D": _separable_shapes(2),
}
