"""The operands of a calculation in a functional model, checked as far as their kind goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.keras_files.calls import Argument, Reference, short
from models.keras_files.weights import ModelFileError

Layer = tuple[str, dict[str, Any]]
"""A class of the layer catalogue and its settings."""

NEEDS_FLOATS = "needs_floats"
"""The setting of a calculation that bytes would wrap around or round."""


class Operands:
    """An operation's arguments by place or name. title: the operation in error messages."""

    def __init__(self, title: str, arguments: Mapping[int | str, Argument]) -> None:
        self._title = title
        self._arguments = arguments

    def wrong(self, what: str) -> ModelFileError:
        """The error that names this operation."""
        return ModelFileError(f"{self._title}: {what}")

    def get(self, *keys: int | str, default: Argument = None) -> Argument:
        """The first of these arguments that is not None."""
        values = (self._arguments.get(key) for key in keys)
        return next((value for value in values if value is not None), default)

    def two(self) -> tuple[Argument, Argument]:
        """Both operands of x + y; at least one is a Reference."""
        pair = self.get(0, "x", "x1"), self.get(1, "y", "x2")
        if not any(isinstance(operand, Reference) for operand in pair):
            raise self.wrong("none of its operands is a layer's output")
        return pair

    def number(self, *keys: int | str, default: float | None = None) -> float:
        """A plain number."""
        value = self.get(*keys, default=default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(f"its operand is {short(value)}, not a number")
        return value

    def constant(self, value: Argument) -> float | list[float]:
        """A number, or a list with one number for each channel."""
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
            raise self.wrong(f"its operand {short(value)} is neither a number nor one number for each channel")
        return value

    def axes(self, *keys: int | str) -> list[Argument]:
        """A list of axes, from one or several."""
        value = self.get(*keys)
        return value if isinstance(value, list) else [value]

    def refuse(self, *keys: str) -> None:
        """Refuse options that change the answer."""
        for key in keys:
            if self.get(key) not in (None, False):
                raise self.wrong(f"{key}={short(self.get(key))} is not supported")


Translation = Callable[[Operands], Layer]
