"""Selects the layer that computes an operation of a functional model, such as `x / 127.5 - 1` or `x[:, 60:135]`.

Keras 3 writes an operation as a class and arguments (TrueDivide, GetItem), tf.keras 2 as the name of a TensorFlow
function (TFOpLambda, SlicingOpLambda). Both are data here: the name selects a translation from this module's tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.keras_files.calls import Argument, Call, short
from models.keras_files.layers.arithmetic import (
    activation,
    add,
    cast,
    clip,
    divide,
    elementwise,
    extreme,
    multiply,
    power,
    rescaling,
    subtract,
)
from models.keras_files.layers.operands import NEEDS_FLOATS, Layer, Operands, Translation
from models.keras_files.weights import ModelFileError

Config = dict[str, Any]

TENSORFLOW_CLASSES = ("TFOpLambda", "SlicingOpLambda")


def as_layer(name: str, kind: str, config: Config, call: Call) -> Layer | None:
    """The layer that computes an operation; None if `kind` and `call` are an ordinary layer's.

    Raises ModelFileError, which names the layer, for an unknown operation or for operands out of range.
    """
    if kind in TENSORFLOW_CLASSES:
        function = str(config.get("function"))
        translation = TENSORFLOW.get(function)
        arguments: Mapping[int | str, Argument] = call.arguments
    elif kind in SHARED_NAMES and not any(_is_constant(call.arguments.get(place)) for place in (0, 1)):
        return None
    elif kind in KERAS and not (kind == "Reshape" and "target_shape" in config):
        function, translation = kind, KERAS[kind]
        settings: dict[int | str, Argument] = dict(config.items())
        arguments = settings | dict(call.arguments)
    else:
        return None
    if translation is None:
        raise ModelFileError(f"layer {name!r} calculates {short(function)}, which is not among the known operations")
    return translation(Operands(f"layer {name!r} ({function})", arguments))


def _is_constant(operand: Argument) -> bool:
    return operand is not None and not Call({0: operand}).references


def _get_item(operands: Operands) -> Layer:
    return "Slice", {"bounds": operands.get("slice_spec", "key", 1)}


def _resize(operands: Operands) -> Layer:
    size = operands.get("size", 1)
    if not isinstance(size, list) or len(size) != 2:
        raise operands.wrong(f"its size is {short(size)}, not rows and columns")
    operands.refuse("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "preserve_aspect_ratio")
    interpolation = operands.get("interpolation", "method", default="bilinear")
    settings = {"height": size[0], "width": size[1], "interpolation": interpolation}
    return "Resizing", {**settings, NEEDS_FLOATS: operands.get("interpolation") is not None}


def _reduce(function: str) -> Translation:
    """A mean, sum, ... over axes."""

    def translate(operands: Operands) -> Layer:
        axes = operands.axes("axis", 1)
        keepdims = operands.get("keepdims", default=False)
        pooling = {"mean": "GlobalAveragePooling2D", "max": "GlobalMaxPooling2D"}.get(function)
        if pooling and axes == [1, 2]:
            return pooling, {"keepdims": keepdims, NEEDS_FLOATS: True}
        return "Calculation", {"function": function, "axes": axes, "keepdims": keepdims, NEEDS_FLOATS: True}

    return translate


def _concatenate(operands: Operands) -> Layer:
    return "Concatenate", {"axis": operands.get("axis", default=-1)}


def _reshape(operands: Operands) -> Layer:
    shape = operands.get("newshape", "shape", 1)
    if not isinstance(shape, list) or len(shape) < 2 or shape[0] != -1 or -1 in shape[1:]:
        raise operands.wrong(f"its shape {short(shape)} does not begin with -1, which stands for the frames")
    return "Reshape", {"target_shape": shape[1:]}


def _transpose(operands: Operands) -> Layer:
    axes = operands.get("axes", "perm", 1)
    if not isinstance(axes, list) or axes[:1] != [0]:
        raise operands.wrong(f"its axes {short(axes)} do not leave the frames' axis where it is")
    return "Permute", {"dims": axes[1:]}


def _axis(function: str) -> Translation:
    return lambda operands: ("Calculation", {"function": function, "axes": operands.axes("axis", 1)})


def _softmax(operands: Operands) -> Layer:
    return "Softmax", {"axis": operands.get("axis", 1, default=-1), NEEDS_FLOATS: True}


def _leaky(operands: Operands) -> Layer:
    return "LeakyReLU", {"negative_slope": operands.number("negative_slope", "alpha", 1, default=0.2)}


def _elu(operands: Operands) -> Layer:
    return "ELU", {"alpha": operands.number("alpha", 1, default=1.0)}


def _gelu(default: bool) -> Translation:
    """Keras 3's operation approximates unless told otherwise, TensorFlow's function does not."""

    def translate(operands: Operands) -> Layer:
        approximate = operands.get("approximate", 1, default=default)
        return elementwise("gelu_approximate")(operands) if approximate else activation("gelu")(operands)

    return translate


def _identity(_: Operands) -> Layer:
    return "Identity", {}


_UNARY: dict[str, Translation] = {
    **{name: elementwise(name) for name in ("square", "sqrt", "rsqrt", "exp", "log")},
    **{name: activation(name) for name in ("relu", "relu6", "selu", "silu", "sigmoid", "softplus", "softsign", "tanh")},
    "negative": lambda _: rescaling(-1.0, 0.0, [1]),
}

SHARED_NAMES = ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate")
"""The operations whose names layers bear too; on several tensors both compute the same."""

KERAS: dict[str, Translation] = {
    **{name.capitalize(): translation for name, translation in _UNARY.items()},
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Divide": divide,
    "TrueDivide": divide,
    "Maximum": extreme("Maximum", "maximum"),
    "Minimum": extreme("Minimum", "minimum"),
    "Power": power,
    "Absolute": elementwise("absolute"),
    "Abs": elementwise("absolute"),
    "Clip": clip,
    "Cast": cast,
    "GetItem": _get_item,
    "Resize": _resize,
    "Mean": _reduce("mean"),
    "Sum": _reduce("sum"),
    "Max": _reduce("max"),
    "Min": _reduce("min"),
    "Reshape": _reshape,
    "Transpose": _transpose,
    "ExpandDims": _axis("expand_dims"),
    "Squeeze": _axis("squeeze"),
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Gelu": _gelu(True),
    "HardSigmoid": activation("hard_sigmoid"),
    "HardSilu": activation("hard_silu"),
    "StopGradient": _identity,
}
"""The translations by Keras 3's names of operations."""

TENSORFLOW: dict[str, Translation] = {
    **{f"math.{name}": translation for name, translation in _UNARY.items()},
    **{f"nn.{name}": translation for name, translation in _UNARY.items()},
    "math.add": add,
    "__operators__.add": add,
    "math.subtract": subtract,
    "math.multiply": multiply,
    "math.scalar_mul": multiply,
    "math.truediv": divide,
    "math.divide": divide,
    "math.maximum": extreme("Maximum", "maximum"),
    "math.minimum": extreme("Minimum", "minimum"),
    "math.pow": power,
    "math.abs": elementwise("absolute"),
    "clip_by_value": clip,
    "cast": cast,
    "__operators__.getitem": _get_item,
    "image.resize": _resize,
    "math.reduce_mean": _reduce("mean"),
    "math.reduce_sum": _reduce("sum"),
    "math.reduce_max": _reduce("max"),
    "math.reduce_min": _reduce("min"),
    "concat": _concatenate,
    "reshape": _reshape,
    "transpose": _transpose,
    "compat.v1.transpose": _transpose,
    "expand_dims": _axis("expand_dims"),
    "squeeze": _axis("squeeze"),
    "nn.leaky_relu": _leaky,
    "nn.elu": _elu,
    "nn.gelu": _gelu(False),
    "nn.swish": activation("silu"),
    "nn.softmax": _softmax,
    "identity": _identity,
    "stop_gradient": _identity,
}
"""The translations by TensorFlow's names of functions."""
