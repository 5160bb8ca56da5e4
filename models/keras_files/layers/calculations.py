"""The calculations of functional models for which Keras has no layer, as layers.

A function of each number alone becomes an Activation layer, which leaves shapes unchanged. A function that changes
shapes becomes a Calculation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from models.keras_files.layers.layer_settings import LayerSettings

Function = Callable[[Any], Any]

MAX_EXPONENT = 8


class Calculation(layers.Layer):
    """A layer without weights that computes a function of this module.

    output_shape: without the batch; None lets Keras find it, which it cannot on JAX where the function changes the
    batch.
    """

    def __init__(self, function: Function, output_shape: tuple[int, ...] | None = None, **common: Any) -> None:
        super().__init__(**common)
        self._function = function
        self._output_shape = output_shape

    def compute_output_spec(self, *inputs: Any, **options: Any) -> Any:
        """The symbolic output."""
        if self._output_shape is None:
            return super().compute_output_spec(*inputs, **options)
        return keras.KerasTensor((None, *self._output_shape), self.compute_dtype)

    def call(self, inputs: Any) -> Any:
        """The function of the layer's input, or of its list of inputs."""
        return self._function(inputs)


def elementwise(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """The Activation for a function of each number. Raises ModelFileError for an unknown function or constant."""
    name = settings.choice("function", "", tuple(ELEMENTWISE))
    return layers.Activation(ELEMENTWISE[name](settings), **common)


def calculation(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """The Calculation for a function that changes shapes. Raises ModelFileError for an unknown function."""
    name = settings.choice("function", "", tuple(CALCULATIONS))
    return Calculation(CALCULATIONS[name](settings), **common)


def _plain(function: Function) -> Callable[[LayerSettings], Function]:
    return lambda _: function


def _with_constant(function: Callable[[Any, float], Any]) -> Callable[[LayerSettings], Function]:
    """A function of the input and the setting `constant`."""

    def make(settings: LayerSettings) -> Function:
        constant = settings.number("constant", 0.0)
        return lambda x: function(x, constant)

    return make


def _power(settings: LayerSettings) -> Function:
    exponent = settings.number("exponent", 1.0, -MAX_EXPONENT, MAX_EXPONENT)
    if exponent != round(exponent):
        raise settings.wrong(f"its exponent {exponent:g} is not a whole number")
    return lambda x: ops.power(x, exponent)


def _clip(settings: LayerSettings) -> Function:
    low, high = settings.number("low", 0.0), settings.number("high", 1.0)
    return lambda x: ops.clip(x, low, high)


ELEMENTWISE: dict[str, Callable[[LayerSettings], Function]] = {
    "absolute": _plain(ops.absolute),
    "square": _plain(ops.square),
    "sqrt": _plain(ops.sqrt),
    "rsqrt": _plain(ops.rsqrt),
    "exp": _plain(ops.exp),
    "log": _plain(ops.log),
    "to_floats": _plain(lambda x: ops.cast(x, "float32")),
    "gelu_approximate": _plain(lambda x: ops.gelu(x, approximate=True)),
    "maximum": _with_constant(ops.maximum),
    "minimum": _with_constant(ops.minimum),
    "reciprocal": _with_constant(lambda x, constant: constant / x),
    "power": _power,
    "clip": _clip,
}
"""The functions of one number, by name."""


def _over_axes(function: Callable[..., Any], **options: bool) -> Callable[[LayerSettings], Function]:
    """A function over the setting `axes`. options: further settings, by their defaults."""

    def make(settings: LayerSettings) -> Function:
        axes = _axes(settings)
        flags = {key: settings.flag(key, default) for key, default in options.items()}
        return lambda x: function(x, axis=axes, **flags)

    return make


def _axes(settings: LayerSettings) -> tuple[int, ...]:
    return settings.integers("axes", low=-8)


def require_axes(settings: LayerSettings, rank: int) -> None:
    """Raise ModelFileError if a calculation combines frames, or has axes that its input of `rank` axes has not."""
    if settings.kind == "Calculation" and "axes" in settings.config:
        rank += settings.config.get("function") == "expand_dims"
        if not all(axis % rank > 0 and -rank <= axis < rank for axis in _axes(settings)):
            raise settings.wrong("it combines frames, or an axis that its input does not have")


def _slice(settings: LayerSettings) -> Function:
    """A slice with steps, of channels or of sequences; `models.keras_files.layers.slices` has checked its bounds."""
    bounds = settings.config.get("bounds")
    if not isinstance(bounds, tuple):
        raise settings.wrong("its bounds are not plain numbers")
    return lambda x: x[bounds]


CALCULATIONS: dict[str, Callable[[LayerSettings], Function]] = {
    "divide": _plain(lambda pair: ops.divide(*pair)),
    "mean": _over_axes(ops.mean, keepdims=False),
    "sum": _over_axes(ops.sum, keepdims=False),
    "max": _over_axes(ops.max, keepdims=False),
    "min": _over_axes(ops.min, keepdims=False),
    "expand_dims": _over_axes(ops.expand_dims),
    "squeeze": _over_axes(ops.squeeze),
    "slice": _slice,
}
"""The functions that change shapes, by name."""
