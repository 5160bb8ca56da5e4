"""Reads the activation of a layer: the name of a built-in function, or a built-in layer without weights."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from models.keras_files.layers.layer_settings import LayerSettings

ACTIVATIONS = frozenset(
    {
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "celu",
        "selu",
        "gelu",
        "silu",
        "swish",
        "mish",
        "hard_silu",
        "hard_swish",
        "tanh",
        "hard_tanh",
        "sigmoid",
        "hard_sigmoid",
        "sparse_sigmoid",
        "log_sigmoid",
        "softplus",
        "sparse_plus",
        "squareplus",
        "softsign",
        "softmax",
        "log_softmax",
        "sparsemax",
        "exponential",
        "hard_shrink",
        "soft_shrink",
        "tanh_shrink",
        "old_hard_sigmoid",
    }
)
"""The functions that need no parameters besides their name, and keep the shape; `glu` and `threshold` do not."""


def read_activation(settings: LayerSettings, key: str = "activation", default: str = "linear") -> Any:
    """What Keras takes for the activation `key`: a name, a function or a layer.

    Raises ModelFileError, which names the layer, for any other function or layer.
    """
    value = settings.config.get(key)
    if isinstance(value, dict):
        kind, config = value.get("class_name"), value.get("config")
        if not isinstance(config, dict) or kind not in ACTIVATION_LAYERS:
            raise settings.wrong(f"its {key} is a {str(kind)[:40]!r}, which is not a built-in one without weights")
        inner = LayerSettings(settings.name, kind, config)
        return ACTIVATION_LAYERS[kind](inner, {"dtype": "float32"})
    name = settings.choice(key, default, ACTIVATIONS)
    return old_hard_sigmoid if name == "old_hard_sigmoid" else keras.activations.get(name)


def old_hard_sigmoid(x: Any) -> Any:
    """`hard_sigmoid` before Keras 3: 0.2 x + 0.5, from 0 to 1. It is x / 6 + 0.5 now."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _activation(settings: LayerSettings, common: dict[str, Any]) -> Any:
    return layers.Activation(read_activation(settings), **common)


def _relu(settings: LayerSettings, common: dict[str, Any]) -> Any:
    ceiling = settings.config.get("max_value")
    return layers.ReLU(
        max_value=None if ceiling is None else settings.number("max_value", 0.0),
        negative_slope=settings.number("negative_slope", 0.0, 0.0),
        threshold=settings.number("threshold", 0.0, 0.0),
        **common,
    )


ACTIVATION_LAYERS = {
    "ReLU": _relu,
    "LeakyReLU": lambda s, common: layers.LeakyReLU(s.number("negative_slope", 0.3, 0.0), **common),
    "ELU": lambda s, common: layers.ELU(s.number("alpha", 1.0), **common),
    "Softmax": lambda s, common: layers.Softmax(s.axis("axis"), **common),
}
"""The makers of activation layers without weights, which may also be other layers' activations."""

ACTIVATION_MAKERS = {"Activation": _activation, **ACTIVATION_LAYERS}
