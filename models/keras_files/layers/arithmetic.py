"""Translates sums, products and functions of one number, such as `x / 127.5 - 1`, into layers' settings.

The constants become settings, which the layers' makers check like any others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.keras_files.calls import Reference, short
from models.keras_files.layers.operands import NEEDS_FLOATS, Layer, Operands, Translation


def add(operands: Operands) -> Layer:
    first, second = operands.two()
    if isinstance(first, Reference) and isinstance(second, Reference):
        return "Add", {}
    offset = operands.constant(second if isinstance(first, Reference) else first)
    return rescaling(1.0, offset, [offset])


def subtract(operands: Operands) -> Layer:
    first, second = operands.two()
    if isinstance(first, Reference) and isinstance(second, Reference):
        return "Subtract", {}
    if isinstance(first, Reference):
        offset = operands.constant(second)
        return rescaling(1.0, _map(offset, lambda number: -number), [offset])
    offset = operands.constant(first)
    return rescaling(-1.0, offset, [offset])


def multiply(operands: Operands) -> Layer:
    first, second = operands.two()
    if isinstance(first, Reference) and isinstance(second, Reference):
        return "Multiply", {}
    scale = operands.constant(second if isinstance(first, Reference) else first)
    return rescaling(scale, 0.0, [scale])


def divide(operands: Operands) -> Layer:
    first, second = operands.two()
    if isinstance(first, Reference) and isinstance(second, Reference):
        return "Calculation", {"function": "divide"}
    if isinstance(second, Reference):
        return "Elementwise", {"function": "reciprocal", "constant": operands.number(0, "x", "x1")}
    divisor = operands.constant(second)
    if not all(divisor if isinstance(divisor, list) else [divisor]):
        raise operands.wrong("it divides by zero")
    return "Rescaling", {"scale": _map(divisor, lambda number: 1 / number), "offset": 0.0}


def rescaling(scale: Any, offset: Any, constants: list[Any]) -> Layer:
    """A Rescaling. constants: if all are whole, a calculation on bytes would stay in bytes."""
    whole = all(isinstance(number, int) for value in constants for number in _listed(value))
    return "Rescaling", {"scale": scale, "offset": offset, NEEDS_FLOATS: whole}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _map(value: Any, function: Callable[[float], float]) -> Any:
    return [function(number) for number in value] if isinstance(value, list) else function(value)


def extreme(merge: str, function: str) -> Translation:
    """Maximum or Minimum: a merge of two tensors, or a bound."""

    def translate(operands: Operands) -> Layer:
        first, second = operands.two()
        if isinstance(first, Reference) and isinstance(second, Reference):
            return merge, {}
        constant = second if isinstance(first, Reference) else first
        return "Elementwise", {"function": function, "constant": constant, NEEDS_FLOATS: True}

    return translate


def power(operands: Operands) -> Layer:
    base, exponent = operands.two()
    if not isinstance(base, Reference):
        raise operands.wrong("a constant to the power of a layer's output is not supported")
    return "Elementwise", {"function": "power", "exponent": exponent, NEEDS_FLOATS: True}


def elementwise(function: str) -> Translation:
    return lambda _: ("Elementwise", {"function": function, NEEDS_FLOATS: True})


def activation(name: str) -> Translation:
    return lambda _: ("Activation", {"activation": name, NEEDS_FLOATS: True})


def clip(operands: Operands) -> Layer:
    low = operands.number("x_min", "clip_value_min", 1)
    high = operands.number("x_max", "clip_value_max", 2)
    return "Elementwise", {"function": "clip", "low": low, "high": high, NEEDS_FLOATS: True}


def cast(operands: Operands) -> Layer:
    dtype = operands.get("dtype", 1)
    if dtype not in ("float32", "float16", "bfloat16", "float64"):
        raise operands.wrong(f"it rounds to {short(dtype)}, which is not supported")
    return "Elementwise", {"function": "to_floats"}
