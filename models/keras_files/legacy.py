"""Translates layer settings of Keras 1 and 2 into those of Keras 3, as plain data, layer by layer.

Most public steering networks are files of Keras 1 or 2, which Keras 3 cannot read. Their layers compute the same as
those of Keras 3; only names of classes and arguments have changed. This module lists the changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.keras_files.classes import function_name, inner_layer
from models.keras_files.weights import ModelFileError

Config = dict[str, Any]

KINDS = {
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "DepthwiseConvolution2D": "DepthwiseConv2D",
    "ThresholdedReLU": "ReLU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
"""Classes that were only renamed."""

ARGUMENTS = {
    "nb_filter": "filters",
    "output_dim": "units",
    "subsample": "strides",
    "border_mode": "padding",
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "p": "rate",
    "dim_ordering": "data_format",
    "theta": "threshold",
    "inner_activation": "recurrent_activation",
}
"""Arguments that were only renamed since Keras 1."""

DATA_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": "channels_last"}

ACTIVATIONS = {"softmax_v2": "softmax"}
"""Functions that were only renamed."""

WRAPPERS = ("TimeDistributed", "Bidirectional")
STEPWISE = ("Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "LayerNormalization")
OVER_STEPS = "over_steps"
"""The setting of a layer that runs on each step of a sequence."""

MAX_DEPTH = 2

MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
}
"""The classes that replace Keras 1's Merge, by its mode."""


def translate(kind: str, config: Config, keras_version: str, depth: int = 0) -> tuple[str, Config]:
    """A layer's class and settings in Keras 3's names; settings of Keras 3 pass unchanged.

    keras_version: of the file, "" if unknown. depth: of layers in the settings of layers.
    Raises ModelFileError if Keras 3 has no layer that computes the same.
    """
    if depth > MAX_DEPTH:
        raise ModelFileError(f"layer {config.get('name')!r} contains layers more than {MAX_DEPTH} deep")
    translation = {ARGUMENTS.get(key, key): value for key, value in config.items()}
    if translation.get("data_format") in DATA_FORMATS:
        translation["data_format"] = DATA_FORMATS[translation["data_format"]]
    if kind in SPECIAL:
        kind, translation = SPECIAL[kind](translation)
    name = str(config.get("name"))
    for key in ("activation", "recurrent_activation"):
        if key in translation:
            translation[key] = _activation(name, translation[key], keras_version, depth)
    if kind in WRAPPERS:
        inner = translate(*inner_layer(name, config.get("layer")), keras_version, depth + 1)
        if kind == "TimeDistributed":
            return _time_distributed(config, *inner)
        translation["layer"] = {"class_name": inner[0], "config": inner[1]}
        if (backward := config.get("backward_layer")) is not None:
            kind_back, config_back = translate(*inner_layer(name, backward), keras_version, depth + 1)
            translation["backward_layer"] = {"class_name": kind_back, "config": config_back}
    return KINDS.get(kind, kind), translation


def _activation(name: str, value: Any, keras_version: str, depth: int) -> Any:
    """An activation's name, or the class and settings of a layer that serves as one."""
    if isinstance(value, dict):
        if value.get("class_name") != "function":
            kind, config = translate(*inner_layer(name, value), keras_version, depth + 1)
            return {"class_name": kind, "config": config}
        value = function_name(name, value)
    if value == "hard_sigmoid" and not keras_version.startswith("3."):
        return "old_hard_sigmoid"
    return ACTIVATIONS.get(value, value) if isinstance(value, str) else value


def _time_distributed(config: Config, kind: str, inner: Config) -> tuple[str, Config]:
    """The wrapped layer, marked unless it computes the same on a whole sequence as on each of its steps."""
    if kind in WRAPPERS or OVER_STEPS in inner:
        raise ModelFileError(f"layer {config.get('name')!r} is a TimeDistributed {kind[:40]}: not supported")
    return kind, inner if kind in STEPWISE else {**inner, OVER_STEPS: True}


def _convolution(config: Config) -> tuple[str, Config]:
    """Join the kernel's sides, which Keras 1 stores separately."""
    if "nb_row" in config and "nb_col" in config:
        config = {**config, "kernel_size": [config["nb_row"], config["nb_col"]]}
    return "Conv2D", config


def _volume_convolution(config: Config) -> tuple[str, Config]:
    """Join the kernel's sides, as `_convolution` does."""
    sides = [config.get(f"kernel_dim{axis}") for axis in (1, 2, 3)]
    return "Conv3D", config if None in sides else {**config, "kernel_size": sides}


def _separable(config: Config) -> tuple[str, Config]:
    return "SeparableConv2D", _convolution(config)[1]


def _leaky(config: Config) -> tuple[str, Config]:
    """Rename `alpha`, the name until Keras 2; its default of 0.3 has not changed."""
    return "LeakyReLU", {"negative_slope": config.get("alpha", 0.3), **config}


def _zero_padding(config: Config) -> tuple[str, Config]:
    """Group the sides, which Keras 1 may store as (top, bottom, left, right)."""
    padding = config.get("padding")
    if isinstance(padding, list) and len(padding) == 4:
        config = {**config, "padding": [padding[:2], padding[2:]]}
    return "ZeroPadding2D", config


def _batch_normalization(config: Config) -> tuple[str, Config]:
    """Refuse Keras 1's modes 1 and 2, which also predict with the statistics of the sample or batch."""
    if config.get("mode", 0) != 0:
        raise ModelFileError(
            f"layer {config.get('name')!r} is a BatchNormalization of Keras 1 in mode {config['mode']!r}, "
            "which no later Keras has"
        )
    axis = config.get("axis", -1)
    return "BatchNormalization", {**config, "axis": axis[0] if isinstance(axis, list) and len(axis) == 1 else axis}


def _merge(config: Config) -> tuple[str, Config]:
    mode = config.get("mode")
    if config.get("mode_type", "raw") != "raw" or mode not in MERGES or config.get("layers"):
        raise ModelFileError(f"layer {config.get('name')!r} is a Merge of Keras 1 with mode {mode!r}: not supported")
    return MERGES[mode], {**config, "axis": config.get("concat_axis", -1)}


SPECIAL: dict[str, Callable[[Config], tuple[str, Config]]] = {
    "Convolution2D": _convolution,
    "AtrousConvolution2D": _convolution,
    "Convolution3D": _volume_convolution,
    "SeparableConvolution2D": _separable,
    "LeakyReLU": _leaky,
    "ZeroPadding2D": _zero_padding,
    "BatchNormalization": _batch_normalization,
    "Merge": _merge,
}
"""Classes that need more than renaming."""
