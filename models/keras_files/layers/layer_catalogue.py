"""The built-in layers that a model file may use, with their constructors and the shapes of their weights.

The loader refuses any other layer. It does not read initialisers, regularisers and constraints, which only training
needs; every weight comes from the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from keras import layers

from models.keras_files.lambdas.layers import make_lambda
from models.keras_files.layers.activations import ACTIVATION_MAKERS, read_activation
from models.keras_files.layers.calculations import calculation, elementwise
from models.keras_files.layers.convolution_layers import CONVOLUTION_MAKERS, CONVOLUTION_SHAPES, FORMAT, with_bias
from models.keras_files.layers.layer_settings import MAX_SIDE, LayerSettings, Maker, Shape
from models.keras_files.layers.normalisation_layers import NORMALISATION_MAKERS, NORMALISATION_SHAPES
from models.keras_files.layers.sequence_layers import SEQUENCE_MAKERS, SEQUENCE_SHAPES
from models.keras_files.layers.slices import SLICE
from models.keras_files.layers.volume_layers import VOLUME_MAKERS, VOLUME_SHAPES


def require_known(settings: LayerSettings) -> None:
    """Raise ModelFileError for a class outside the catalogue."""
    if settings.kind not in MAKERS and settings.kind not in TRAINING_ONLY and settings.kind != SLICE:
        names = ", ".join(sorted(MAKERS.keys() - CALCULATION_MAKERS.keys()))
        raise settings.wrong(f"not a layer that can be loaded; these can: {names}")


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


def has_weights(settings: LayerSettings) -> bool:
    """Whether the layer has weights in a file; some classes have them only with certain settings."""
    if settings.kind in ("LayerNormalization", "GroupNormalization"):
        return settings.flag("center", True) or settings.flag("scale", True)
    if settings.kind == "Normalization":
        return settings.config.get("mean") is None
    return settings.kind in WEIGHT_SHAPES


def takes_several(settings: LayerSettings) -> bool:
    """Whether the layer merges a list of inputs."""
    return settings.kind in MERGING or settings.config.get("function") == "divide"


def _dense(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.Dense(
        settings.integer("units"),
        activation=read_activation(settings),
        use_bias=settings.flag("use_bias", True),
        **common,
    )


def _merging(kind: Callable[..., Any]) -> Maker:
    return lambda _, common: kind(**common)


def _p_relu(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.PReLU(shared_axes=_shared_axes(settings) or None, **common)


def _shared_axes(settings: LayerSettings) -> tuple[int, ...]:
    return settings.integers("shared_axes", low=1) if settings.config.get("shared_axes") else ()


def _rescaling(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.Rescaling(settings.numbers("scale", 1.0), settings.numbers("offset", 0.0), **common)


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


def _up_sampling(settings: LayerSettings, common: dict[str, Any]) -> Any:
    interpolation = settings.choice("interpolation", "nearest", ("bilinear", "nearest"))
    return layers.UpSampling2D(settings.sizes("size", 2, 2), interpolation=interpolation, **FORMAT, **common)


def _dropout(kind: Callable[..., Any], **options: Any) -> Maker:
    return lambda settings, common: kind(settings.number("rate", 0.0, 0.0, 0.999), **options, **common)


CALCULATION_MAKERS: dict[str, Maker] = {"Elementwise": elementwise, "Calculation": calculation}
"""The makers of what `operations` and `slices` translate a calculation into."""

MERGING: dict[str, Maker] = {
    "Add": _merging(layers.Add),
    "Subtract": _merging(layers.Subtract),
    "Multiply": _merging(layers.Multiply),
    "Average": _merging(layers.Average),
    "Maximum": _merging(layers.Maximum),
    "Minimum": _merging(layers.Minimum),
    "Concatenate": lambda s, common: layers.Concatenate(axis=s.axis(), **common),
    "Attention": SEQUENCE_MAKERS["Attention"],
}

MAKERS: dict[str, Maker] = {
    **CONVOLUTION_MAKERS,
    **VOLUME_MAKERS,
    **NORMALISATION_MAKERS,
    **ACTIVATION_MAKERS,
    **SEQUENCE_MAKERS,
    **CALCULATION_MAKERS,
    **MERGING,
    "Dense": _dense,
    "Dropout": _dropout(layers.Dropout),
    "SpatialDropout1D": _dropout(layers.SpatialDropout1D),
    "SpatialDropout2D": _dropout(layers.SpatialDropout2D, **FORMAT),
    "SpatialDropout3D": _dropout(layers.SpatialDropout3D, **FORMAT),
    "PReLU": _p_relu,
    "Flatten": lambda _, common: layers.Flatten(**FORMAT, **common),
    "Reshape": lambda s, common: layers.Reshape(s.integers("target_shape"), **common),
    "Permute": lambda s, common: layers.Permute(s.integers("dims", low=1), **common),
    "RepeatVector": lambda s, common: layers.RepeatVector(s.integer("n", high=MAX_SIDE), **common),
    "Cropping2D": lambda s, common: layers.Cropping2D(s.margins("cropping"), **FORMAT, **common),
    "ZeroPadding2D": lambda s, common: layers.ZeroPadding2D(s.margins("padding"), **FORMAT, **common),
    "UpSampling2D": _up_sampling,
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
        "AugMix",
        "CutMix",
        "Equalization",
        "MixUp",
        "RandAugment",
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomElasticTransform",
        "RandomErasing",
        "RandomFlip",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHeight",
        "RandomHue",
        "RandomInvert",
        "RandomPerspective",
        "RandomPosterization",
        "RandomRotation",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "RandomTranslation",
        "RandomWidth",
        "RandomZoom",
        "Solarization",
        "StochasticDepth",
    }
)
"""Classes that pass their input on unchanged outside training; RandomCrop does not, because it crops the middle."""


def _dense_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return with_bias(settings, [(shape[-1], settings.integer("units"))])


def _p_relu_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    shared = _shared_axes(settings)
    return [tuple(1 if axis in shared else size for axis, size in enumerate(shape, 1))]


WEIGHT_SHAPES: dict[str, Callable[[LayerSettings, Shape], list[Shape]]] = {
    **CONVOLUTION_SHAPES,
    **VOLUME_SHAPES,
    **NORMALISATION_SHAPES,
    **SEQUENCE_SHAPES,
    "Dense": _dense_shapes,
    "PReLU": _p_relu_shapes,
}
"""The weight shapes of the classes that have weights."""


def count_parameters(shapes: Sequence[Shape]) -> int:
    """The number of parameters in weights of these shapes."""
    return sum(map(math.prod, shapes))
