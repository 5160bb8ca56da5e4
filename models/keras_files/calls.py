"""Parses the calls of layers, `inbound_nodes`, from the three dialects of Keras into one form.

A call has positional and keyword arguments. Each argument is a layer's output, a plain constant, a slice, or a list of
these. Anything else is refused, so that no argument can name an object to import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.keras_files.weights import ModelFileError

Argument = Any
"""Reference | int | float | str | bool | None | slice | Ellipsis, or a list of these."""

MAX_CALLS = 100
MAX_LIST_DEPTH = 5
CONSTANT = "_CONSTANT_VALUE"
"""Keras 2 writes this name for the first argument of `1 - x`, with the constant at the third place."""


class Reference(NamedTuple):
    """The output of one call of a layer. node: the number of the call, as in the file."""

    layer: str
    node: int


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call: positional ones by their place 0, 1, ..., keyword ones by name."""

    arguments: Mapping[int | str, Argument]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The outputs of layers among the arguments, in their order."""
        return tuple(_references(list(self.arguments.values())))


def read_calls(layer: str, nodes: object) -> list[Call]:
    """The calls of a layer in a functional model. Raises ModelFileError, which names `layer`, if one is unreadable."""
    if not isinstance(nodes, list) or len(nodes) > MAX_CALLS:
        raise ModelFileError(f"layer {short(layer)} has no list of at most {MAX_CALLS} calls")
    return [_keras_3(node) if isinstance(node, dict) else _keras_1_or_2(layer, node) for node in nodes]


def read_history(value: object) -> Reference:
    """The reference in `["dense", 0, 0]`: layer, call, and output, of which only the first is supported."""
    if not _is_history(value):
        raise ModelFileError(f"the model's graph refers to {short(value)}, which is not a layer's only output")
    return Reference(value[0], value[1])  # type: ignore[index]


def _keras_3(node: dict[str, Any]) -> Call:
    positional, keywords = node.get("args"), node.get("kwargs") or {}
    if not isinstance(positional, list) or not isinstance(keywords, dict):
        raise ModelFileError(f"the call {short(node)} in the model's graph is not readable")
    values = [*enumerate(positional), *keywords.items()]
    return Call({key: _argument(value) for key, value in values})


def _keras_1_or_2(layer: str, node: object) -> Call:
    """Parse `[["dense", 0, 0, {...}], ...]`, or a single entry of it, as Keras 2 writes for an operation."""
    if not isinstance(node, list) or not node:
        raise ModelFileError(f"layer {short(layer)} has a call that is not readable")
    entries = node if isinstance(node[0], list) else [node]
    keywords = entries[0][3] if len(entries[0]) > 3 else {}
    lists = [entry for entry in entries if isinstance(entry, list)]
    if not isinstance(keywords, dict) or any(entry[3:] != lists[0][3:] for entry in lists):
        raise ModelFileError(f"layer {short(layer)} is called with arguments that are not readable")
    inputs = [_entry(entry) for entry in entries]
    first = inputs if len(inputs) > 1 else inputs[0]
    return Call({0: first, **{key: _argument(value) for key, value in keywords.items()}})


def _entry(entry: object) -> Argument:
    if isinstance(entry, list) and len(entry) > 2 and entry[0] == CONSTANT:
        return _argument(entry[2])
    return read_history(entry[:3] if isinstance(entry, list) else entry)


def _is_history(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and type(value[1]) is int
        and 0 <= value[1] <= MAX_CALLS
        and value[2] == 0
    )


def _argument(value: object, depth: int = 0) -> Argument:
    """Convert an argument's JSON. Raises ModelFileError for an object that is neither output, constant nor slice."""
    if isinstance(value, list) and depth < MAX_LIST_DEPTH:
        is_reference = len(value) == 3 and _is_history(value)
        return read_history(value) if is_reference else [_argument(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return _object(value, depth)
    raise ModelFileError(f"a layer is called on {short(value)}, which is neither a layer's output nor a constant")


def _object(value: dict[str, Any], depth: int) -> Argument:
    kind, config = value.get("class_name"), value.get("config")
    config = config if isinstance(config, dict) else {}
    if kind == "__keras_tensor__":
        return read_history(config.get("keras_history"))
    if kind in ("__numpy__", "__tensor__"):
        return _argument(config.get("value"), depth)
    if kind == "__tuple__":
        return _argument(value.get("items"), depth)
    if kind == "__ellipsis__":
        return Ellipsis
    if kind == "__slice__" or value.keys() == {"start", "stop", "step"}:
        bounds = config if kind == "__slice__" else value
        return slice(*(_bound(bounds.get(key)) for key in ("start", "stop", "step")))
    raise ModelFileError(f"a layer is called on {short(value)}, which is neither a layer's output nor a constant")


def _bound(value: object) -> int | None:
    if value is None or (type(value) is int and abs(value) < 1 << 31):
        return value
    raise ModelFileError(f"a slice of the model's graph has the bound {short(value)}")


def _references(values: list[Argument]) -> Iterator[Reference]:
    for value in values:
        if isinstance(value, Reference):
            yield value
        elif isinstance(value, list):
            yield from _references(value)


IGNORE_TRAINING = ("Resizing", "Rescaling", "AugMix", "CutMix", "Equalization", "MixUp", "RandAugment", "Solarization")
"""Keras 3 writes `training: true` for all image layers, unasked; the two that also drive ignore it."""


def check_call(layer: str, kind: str, call: Call) -> None:
    """Raise ModelFileError for a layer's call on constants, or with further arguments that change the answer."""
    harmless = {"mask", "training"} if kind in IGNORE_TRAINING or kind.startswith("Random") else {"mask"}
    tensors = {"value", "key"} if kind == "MultiHeadAttention" else set()
    for key, value in call.arguments.items():
        if isinstance(key, int) or key in tensors:
            constants = [item for item in (value if isinstance(value, list) else [value]) if not _is_tensor(item)]
            if constants:
                raise ModelFileError(
                    f"layer {short(layer)} is called on {short(constants[0])}, which is not a layer's output"
                )
        elif value not in (None, False) and (key not in harmless or _has_tensors(value)):
            raise ModelFileError(f"layer {short(layer)} is called with {key}={short(value)}: not supported")


def _is_tensor(value: object) -> bool:
    return value is None or isinstance(value, Reference)


def _has_tensors(value: object) -> bool:
    return bool(Call({0: value}).references)


def short(value: object) -> str:
    """The value as Python writes it, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
