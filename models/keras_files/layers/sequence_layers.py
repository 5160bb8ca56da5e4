"""The recurrent and attention layers that a model file may use on a sequence.

Recurrent layers are unrolled, step by step, because LiteRT has no loops over lists of tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers

from models.keras_files.layers.activations import read_activation
from models.keras_files.layers.layer_settings import LayerSettings, Maker, Shape

MAX_STEPS = 128
"""Each step of a sequence becomes operations of its own in the graph."""

GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


class SelfAttention(layers.MultiHeadAttention):
    """Multi-head attention of a sequence to itself, with one input."""

    def build(self, shape: Any) -> None:
        """Build the projections for query, value and key of the same `shape`."""
        super().build(shape, shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """The attention of `x`, (n, steps, features), to itself, of the same shape."""
        return super().call(x, x, training=training)

    def compute_output_spec(self, x: Any, training: bool | None = None) -> Any:
        """The output has the shape of the input."""
        return super().compute_output_spec(x, x)


def _recurrent(kind: Callable[..., Any], **options: Callable[[LayerSettings], Any]) -> Maker:
    """The maker of a recurrent layer. options: further arguments, from the settings."""

    def make(settings: LayerSettings, common: dict[str, Any]) -> Any:
        if settings.flag("stateful", False):
            raise settings.wrong("it keeps a state from one answer to the next (stateful), which is not supported")
        if settings.flag("return_state", False):
            raise settings.wrong("return_state is not supported")
        return kind(
            settings.integer("units"),
            activation=read_activation(settings, default="tanh"),
            use_bias=settings.flag("use_bias", True),
            return_sequences=settings.flag("return_sequences", False),
            go_backwards=settings.flag("go_backwards", False),
            unroll=True,
            **{key: read(settings) for key, read in options.items()},
            **common,
        )

    return make


def _recurrent_activation(settings: LayerSettings) -> Any:
    return read_activation(settings, "recurrent_activation", "sigmoid")


def _resets_after(settings: LayerSettings) -> bool:
    """Which of the GRU's two forms the layer is; the first releases of Keras 2 had only one and say nothing."""
    return settings.flag("reset_after", False)


def _bidirectional(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """Two copies of a recurrent layer, of which one reads the sequence from its end."""
    inner = _inner(settings)
    if settings.config.get("backward_layer") is not None:
        _require_mirror(settings, inner.config, _inner(settings, "backward_layer").config)
    forward = SEQUENCE_MAKERS[inner.kind](inner, {"dtype": "float32"})
    merge = settings.choice("merge_mode", "", ("concat", "sum", "mul", "ave"))
    return layers.Bidirectional(forward, merge_mode=merge, **common)


def _require_mirror(settings: LayerSettings, forward: dict[str, Any], backward: dict[str, Any]) -> None:
    """Raise ModelFileError unless the backward layer is the forward one, read from the other end."""
    keys = ("units", "activation", "recurrent_activation", "use_bias", "reset_after", "return_sequences")
    same = all(forward.get(key) == backward.get(key) for key in keys)
    if not same or forward.get("go_backwards") == backward.get("go_backwards"):
        raise settings.wrong("a backward layer with settings of its own is not supported")


def _inner(settings: LayerSettings, key: str = "layer") -> LayerSettings:
    """The settings of a wrapper's layer. Raises ModelFileError unless it is recurrent."""
    inner = settings.config.get(key)
    if not isinstance(inner, dict) or inner.get("class_name") not in GATES or not isinstance(inner.get("config"), dict):
        raise settings.wrong(f"it wraps a layer that is not one of {', '.join(GATES)}")
    return LayerSettings(settings.name, inner["class_name"], inner["config"])


def _attention(settings: LayerSettings, common: dict[str, Any]) -> Any:
    axes = settings.config.get("attention_axes")
    heads, key_size, value_size = _head_sizes(settings)
    return SelfAttention(
        heads,
        key_size,
        value_dim=value_size,
        use_bias=settings.flag("use_bias", True),
        attention_axes=None if axes is None else settings.integers("attention_axes", low=1),
        **common,
    )


def _head_sizes(settings: LayerSettings) -> tuple[int, int, int]:
    """The number of heads, and the sizes of keys and values. Raises ModelFileError for what would change them."""
    for key in ("output_shape", "sliding_window"):
        if settings.config.get(key) is not None:
            raise settings.wrong(f"{key} is not supported")
    if settings.flag("use_gate", False):
        raise settings.wrong("use_gate is not supported")
    heads, key_size = settings.integer("num_heads"), settings.integer("key_dim")
    value_size = key_size if settings.config.get("value_dim") is None else settings.integer("value_dim")
    return heads, key_size, value_size


def _dot_attention(settings: LayerSettings, common: dict[str, Any]) -> Any:
    """Attention without weights, of the list [query, value] or [query, value, key]."""
    if settings.flag("use_scale", False):
        raise settings.wrong("use_scale is not supported")
    settings.choice("score_mode", "dot", ("dot",))
    return layers.Attention(**common)


SEQUENCE_MAKERS: dict[str, Maker] = {
    "SimpleRNN": _recurrent(layers.SimpleRNN),
    "GRU": _recurrent(layers.GRU, recurrent_activation=_recurrent_activation, reset_after=_resets_after),
    "LSTM": _recurrent(layers.LSTM, recurrent_activation=_recurrent_activation),
    "Bidirectional": _bidirectional,
    "MultiHeadAttention": _attention,
    "Attention": _dot_attention,
}


def _recurrent_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    if len(shape) != 2 or not 0 < shape[0] <= MAX_STEPS:
        raise settings.wrong(f"its input of shape {shape} is not a sequence of at most {MAX_STEPS} steps")
    units = settings.integer("units")
    width = GATES[settings.kind] * units
    kernels: list[Shape] = [(shape[-1], width), (units, width)]
    if not settings.flag("use_bias", True):
        return kernels
    return [*kernels, (2, width) if settings.kind == "GRU" and _resets_after(settings) else (width,)]


def _bidirectional_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    return _recurrent_shapes(_inner(settings), shape) * 2


def _attention_shapes(settings: LayerSettings, shape: Shape) -> list[Shape]:
    heads, key_size, value_size = _head_sizes(settings)
    biased = settings.flag("use_bias", True)
    shapes: list[Shape] = []
    for size in (key_size, key_size, value_size):
        shapes += [(shape[-1], heads, size), *([(heads, size)] if biased else [])]
    return [*shapes, (heads, value_size, shape[-1]), *([(shape[-1],)] if biased else [])]


SEQUENCE_SHAPES = {
    **dict.fromkeys(GATES, _recurrent_shapes),
    "Bidirectional": _bidirectional_shapes,
    "MultiHeadAttention": _attention_shapes,
}
