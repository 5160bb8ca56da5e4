"""Reads a layer's settings and checks each one's type and range before Keras receives it.

The settings come from an untrusted file. A stride of "2", a billion filters or an object as activation raises an error
of one line that names the layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.keras_files.weights import ModelFileError

MAX_CHANNELS = 65_536
MAX_SIDE = 4096
MAX_NUMBERS = 4096

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """The settings of the layer `name`, of class `kind`, in Keras 3's terms. Each method raises ModelFileError."""

    name: str
    kind: str
    config: dict[str, Any]

    def wrong(self, what: str) -> ModelFileError:
        """The error that names this layer."""
        return ModelFileError(f"layer {self.name!r} ({self.kind}): {what}")

    def number(self, key: str, default: float, low: float = -1e6, high: float = 1e6) -> float:
        """A finite number from low to high."""
        value = self.config.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(f"{key} is {_short(value)}, not a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, key: str, default: int | None = None, high: int = MAX_CHANNELS, low: int = 1) -> int:
        """A whole number from low to high; old files write some of them as 23.0."""
        return self._whole(key, self.config.get(key, default), low, high)

    def numbers(self, key: str, default: float) -> float | list[float]:
        """A finite number, or a list of one for each channel."""
        value = self.config.get(key, default)
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, list):
            return LayerSettings(self.name, self.kind, {key: value}).number(key, default)
        if len(value) > MAX_NUMBERS:
            raise self.wrong(f"{key} is a list of {len(value)} numbers; at most {MAX_NUMBERS} are read")
        return [LayerSettings(self.name, self.kind, {key: item}).number(key, default) for item in value]

    def axis(self, key: str = "axis") -> int:
        """One axis of at most five, by default the last; Keras writes some as a list of one."""
        value = self.config.get(key)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        return -1 if value is None else self._whole(key, value, -4, 4)

    def sizes(self, key: str, axes: int, default: object = None) -> tuple[int, ...]:
        """A whole number from 1 for each of the axes, such as rows and columns; a single one applies to all."""
        value = self.config.get(key)
        value = default if value is None else value
        values = value if isinstance(value, list | tuple) and len(value) == axes else (value,) * axes
        return tuple(self._whole(key, size, 1, MAX_SIDE) for size in values)

    def margins(self, key: str, axes: int = 2) -> tuple[tuple[int, int], ...]:
        """A pair for each of the axes, such as ((top, bottom), (left, right)), from one number or a list."""
        value = self.config.get(key)
        sides = value if isinstance(value, list) and len(value) == axes else [value] * axes
        pairs = [side if isinstance(side, list) and len(side) == 2 else [side, side] for side in sides]
        return tuple((self._whole(key, a, 0, MAX_SIDE), self._whole(key, b, 0, MAX_SIDE)) for a, b in pairs)

    def integers(self, key: str, low: int = -1) -> tuple[int, ...]:
        """A short list of whole numbers, for a shape or an order of axes."""
        value = self.config.get(key)
        if not isinstance(value, list) or not 0 < len(value) <= 8:
            raise self.wrong(f"{key} is {_short(value)}, not a short list of whole numbers")
        return tuple(self._whole(key, item, low, MAX_SIDE * MAX_SIDE) for item in value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.config.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} is {_short(value)}, not true or false")
        return value

    def choice(self, key: str, default: str, choices: frozenset[str] | tuple[str, ...]) -> str:
        """One of the given names."""
        value = self.config.get(key) or default
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(f"{key} is {_short(value)}, not one of {', '.join(sorted(choices))}")
        return value

    def require_channels_last(self) -> None:
        """Refuse channels-first networks (Theano's default), which Keras cannot run on a CPU."""
        if self.config.get("data_format") not in (None, "channels_last"):
            raise self.wrong(
                f"data_format is {_short(self.config['data_format'])}; only channels-last networks "
                "(rows, columns, channels) can be loaded"
            )

    def _whole(self, key: str, value: object, low: int, high: int) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
            or math.floor(value) != value
        ):
            raise self.wrong(f"{key} is {_short(value)}, not a whole number from {low} to {high}")
        return int(value)


Maker = Callable[[LayerSettings, dict[str, Any]], Any]
"""Makes a Keras layer from its settings and from arguments that all layers have."""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
