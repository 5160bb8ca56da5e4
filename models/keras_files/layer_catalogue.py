"""The built-in layers that a model file may use, with their constructors and the shapes of their weights.

The loader refuses any other layer. It does not read initialisers, regularisers and constraints, which only training
needs; every weight comes from the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from keras import layers

from models.keras_files.lambda_layers import make_lambda
from models.keras_files.layer_settings import MAX_SIDE, LayerSettings

Shape = tuple[int, ...]
Maker = Callable[[LayerSettings, dict[str, Any]], Any]

FORMAT = {"data_format": "channels_last"}


def require_known(settings: LayerSettings) -> None:
    """Raise ModelFileError for a class outside the catalogue."""
    if settings.kind not in MAKERS and settings.kind not in TRAINING_ONLY:
        raise settings.wrong(f"not a layer that can be loaded; these can: {', '.join(sorted(MAKERS))}")


def make_layer(settings: LayerSettings, name: str) -> Any:
    """Make the Keras layer that `settings` describe, called `name`, in float32 whatever its training precision.

    Raises ModelFileError for settings out of range. `require_known` must have accepted the class.
    """
    if settings.kind in TRAINING_ONLY:
        return layers.Identity(name=name)
    settings.require_channels_last()
    return MAKERS[settings.kind](settings, {"name": name, "dtype": "float32"})


def weight_shapes(settings: LayerSettings, shape: Sequence[int]) -> list[Shape]:
    """Shapes of the layer's weights, in Keras' order, for an input of `shape` (without the batch)."""
    shapes_of = WEIGHT_SHAPES.get(settings.kind)
    return shapes_of(settings, tuple(shape)) if shapes_of else []


def _conv(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.Conv2D(
        settings.integer("filters"), groups=settings.integer("groups", 1), **_kernel_arguments(settings), **common
    )


def _depthwise(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """A depthwise convolution; it ignores `groups`, which files of Keras 2 contain and Keras 3 refuses."""
    return layers.DepthwiseConv2D(
        depth_multiplier=settings.integer("depth_multiplier", 1), **_kernel_arguments(settings), **common
    )


def _separable(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.SeparableConv2D(
        settings.integer("filters"),
        depth_multiplier=settings.integer("depth_multiplier", 1),
        **_kernel_arguments(settings),
        **common,
    )


def _kernel_arguments(settings: LayerSettings) -> dict[str, Any]:
    return {
        "kernel_size": settings.pair("kernel_size"),
        "strides": settings.pair("strides", 1),
        "padding": settings.padding(),
        "dilation_rate": settings.pair("dilation_rate", 1),
        "activation": settings.activation(),
        "use_bias": settings.flag("use_bias", True),
        **FORMAT,
    }


def _dense(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.Dense(
        settings.integer("units"),
        activation=settings.activation(),
        use_bias=settings.flag("use_bias", True),
        **common,
    )


def _batch_normalization(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.BatchNormalization(
        axis=settings.integer("axis", -1, low=-4, high=3),
        epsilon=settings.number("epsilon", 1e-3, 0.0),
        center=settings.flag("center", True),
        scale=settings.flag("scale", True),
        **common,
    )


def _pooling(kind: Callable[..., Any]) -> Maker:
    def make(settings: LayerSettings, common: dict[str, Any]) -> Any:
        size = settings.pair("pool_size", 2)
        strides = settings.pair("strides", size)
        return kind(size, strides=strides, padding=settings.padding(), **FORMAT, **common)

    return make


def _global_pooling(kind: Callable[..., Any]) -> Maker:
    return lambda settings, common: kind(keepdims=settings.flag("keepdims", False), **FORMAT, **common)


def _merging(kind: Callable[..., Any]) -> Maker:
    return lambda _, common: kind(**common)


def _relu(settings: LayerSettings, common: dict[str, Any]) -> Any:
    ceiling = settings.config.get("max_value")
    return layers.ReLU(
        max_value=None if ceiling is None else settings.number("max_value", 0.0),
        negative_slope=settings.number("negative_slope", 0.0, 0.0),
        threshold=settings.number("threshold", 0.0, 0.0),
        **common,
    )


def _p_relu(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.PReLU(shared_axes=_shared_axes(settings) or None, **common)


def _shared_axes(settings: LayerSettings) -> tuple[int, ...]:
    return settings.integers("shared_axes", low=1) if settings.config.get("shared_axes") else ()


def _rescaling(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.Rescaling(settings.number("scale", 1.0), settings.number("offset", 0.0), **common)


def _resizing(settings: LayerSettings, common: dict[str, Any]) -> Any:
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        if settings.flag(key, False):
            raise settings.wrong(f"{key} is not supported")
    return layers.Resizing(
        settings.integer("height", high=MAX_SIDE),
        settings.integer("width", high=MAX_SIDE),
        interpolation=settings.choice("interpolation", "bilinear", ("bilinear", "nearest")),
        **FORMAT,
        **common,
    )


MAKERS: dict[str, Maker] = {
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "MaxPooling2D": _pooling(layers.MaxPooling2D),
    "AveragePooling2D": _pooling(layers.AveragePooling2D),
    "GlobalMaxPooling2D": _global_pooling(layers.GlobalMaxPooling2D),
    "GlobalAveragePooling2D": _global_pooling(layers.GlobalAveragePooling2D),
    "Add": _merging(layers.Add),
    "Multiply": _merging(layers.Multiply),
    "Average": _merging(layers.Average),
    "Maximum": _merging(layers.Maximum),
    "Concatenate": lambda s, common: layers.Concatenate(axis=s.integer("axis", -1, low=-4, high=3), **common),
    "Dropout": lambda s, common: layers.Dropout(s.number("rate", 0.0, 0.0, 0.999), **common),
    "SpatialDropout2D": lambda s, common: layers.SpatialDropout2D(
        s.number("rate", 0.0, 0.0, 0.999), **FORMAT, **common
    ),
    "Activation": lambda s, common: layers.Activation(s.activation(), **common),
    "ReLU": _relu,
    "LeakyReLU": lambda s, common: layers.LeakyReLU(s.number("negative_slope", 0.3, 0.0), **common),
    "ELU": lambda s, common: layers.ELU(s.number("alpha", 1.0), **common),
    "PReLU": _p_relu,
    "Flatten": lambda _, common: layers.Flatten(**FORMAT, **common),
    "Reshape": lambda s, common: layers.Reshape(s.integers("target_shape"), **common),
    "Permute": lambda s, common: layers.Permute(s.integers("dims", low=1), **common),
    "Cropping2D": lambda s, common: layers.Cropping2D(s.margins("cropping"), **FORMAT, **common),
    "ZeroPadding2D": lambda s, common: layers.ZeroPadding2D(s.margins("padding"), **FORMAT, **common),
    "Rescaling": _rescaling,
    "Resizing": _resizing,
    "Lambda": make_lambda,
}
"""The constructors by class name."""

TRAINING_ONLY = frozenset(
    {
        "Identity",
        "GaussianNoise",
        "GaussianDropout",
        "AlphaDropout",
        "ActivityRegularization",
        "RandomFlip",
        "RandomBrightness",
        "RandomContrast",
        "RandomTranslation",
        "RandomRotation",
        "RandomZoom",
    }
)
"""Classes that pass their input on unchanged outside training."""


def _conv_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    channels = shape[-1] // settings.integer("groups", 1)
    return _with_bias(settings, [(*settings.pair("kernel_size"), channels, settings.integer("filters"))])


def _depthwise_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    multiplier = settings.integer("depth_multiplier", 1)
    kernel = (*settings.pair("kernel_size"), shape[-1], multiplier)
    return _with_bias(settings, [kernel], shape[-1] * multiplier)


def _separable_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    multiplier = settings.integer("depth_multiplier", 1)
    depthwise = (*settings.pair("kernel_size"), shape[-1], multiplier)
    return _with_bias(settings, [depthwise, (1, 1, shape[-1] * multiplier, settings.integer("filters"))])


def _dense_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return _with_bias(settings, [(shape[-1], settings.integer("units"))])


def _with_bias(settings: LayerSettings, kernels: list[Shape], channels: int | None = None) -> list[Shape]:
    bias = [(channels or kernels[-1][-1],)] if settings.flag("use_bias", True) else []
    return [*kernels, *bias]


def _batch_normalization_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    axis = settings.integer("axis", -1, low=-4, high=3)
    size = (1, *shape)[axis] if abs(axis) <= len(shape) else 0
    return [(size,)] * (2 + settings.flag("center", True) + settings.flag("scale", True))


def _p_relu_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    shared = _shared_axes(settings)
    return [tuple(1 if axis in shared else size for axis, size in enumerate(shape, 1))]


WEIGHT_SHAPES: dict[str, Callable[[LayerSettings, Shape], list[Shape]]] = {
    "Conv2D": _conv_shapes,
    "DepthwiseConv2D": _depthwise_shapes,
    "SeparableConv2D": _separable_shapes,
    "Dense": _dense_shapes,
    "BatchNormalization": _batch_normalization_shapes,
    "PReLU": _p_relu_shapes,
}
"""The weight shapes of the classes that have weights."""


def count_parameters(shapes: Sequence[Shape]) -> int:
    """The number of parameters in weights of these shapes."""
    return sum(map(math.prod, shapes))
