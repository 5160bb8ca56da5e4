"""The steps that a Lambda's function takes with a batch of images, and their formula in plain notation.

The images are (n, rows, columns, channels); an affine step also fits the answers (n, 1) of a network's end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_NUMBER = 1e9
"""The largest factor or offset that is read."""

MAX_STEPS = 20

Bounds = tuple[int | None, int | None]
"""First, and first after the last, as in Python's slices: None is the border, negative counts from the end."""


class FormulaError(ValueError):
    """The function is not understood; the message says what stopped the reading, as a sentence about it."""


@dataclass(frozen=True, slots=True)
class Affine:
    """x * scale + offset, one number for all channels or one for each."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    def then(self, following: Affine) -> Affine:
        """The one step that does both. Raises FormulaError for different numbers of channels or huge numbers."""
        scale = _pairwise(self.scale, following.scale, lambda first, second: first * second)
        scaled = _pairwise(self.offset, following.scale, lambda first, second: first * second)
        offset = _pairwise(scaled, following.offset, lambda first, second: first + second)
        if not all(abs(number) <= MAX_NUMBER for number in (*scale, *offset)):
            raise FormulaError("it computes with huge numbers")
        return Affine(scale, offset)

    def text(self, x: str) -> str:
        """The formula, for example `x / 127.5 - 1`."""
        if len(self.scale) > 1 or len(self.offset) > 1:
            return f"{_atom(x)} * {_list(self.scale)} + {_list(self.offset)}"
        scale, offset = self.scale[0], self.offset[0]
        product = _product(_atom(x), abs(scale))
        if scale < 0:
            return f"{_number(offset)} - {product}" if offset else f"-{product}"
        return product + (f" {'-' if offset < 0 else '+'} {_number(abs(offset))}" if offset else "")


@dataclass(frozen=True, slots=True)
class LambdaCrop:
    """x[:, rows, columns]."""

    rows: Bounds
    columns: Bounds

    def text(self, x: str) -> str:
        """The formula, for example `x[:, 60:134]`."""
        slices = [_slice(self.rows), *([_slice(self.columns)] if self.columns != (None, None) else [])]
        return f"{_atom(x)}[:, {', '.join(slices)}]"


@dataclass(frozen=True, slots=True)
class LambdaResize:
    """Bilinear resizing. centred: pixel centres are half a pixel from the border, as in TensorFlow 2.

    Otherwise result row i is read at row i * height / rows, as `resize_images` of TensorFlow 1 does.
    """

    rows: int
    columns: int
    centred: bool

    def text(self, x: str) -> str:
        """The formula, for example `resize(x, 66, 200)`."""
        return f"{'resize' if self.centred else 'resize_images'}({x}, {self.rows}, {self.columns})"


@dataclass(frozen=True, slots=True)
class Mix:
    """A linear map of the three colour channels. kernel: factors by input channel, then output channel.

    notation: the formula, with {} for its argument.
    """

    notation: str
    kernel: tuple[tuple[float, ...], ...]

    def text(self, x: str) -> str:
        """The formula, for example `grey(x)`."""
        return self.notation.format(x if "({})" in self.notation else _atom(x))


@dataclass(frozen=True, slots=True)
class LambdaStandardise:
    """Each image less its mean, divided by its standard deviation."""

    def text(self, x: str) -> str:
        """The formula."""
        return f"standardise({x})"


Step = Affine | LambdaCrop | LambdaResize | Mix | LambdaStandardise


def appended(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """The steps and one more; two affine steps in a row become one. Raises FormulaError for too many."""
    if steps and isinstance(step, Affine) and isinstance(steps[-1], Affine):
        return (*steps[:-1], steps[-1].then(step))
    if len(steps) == MAX_STEPS:
        raise FormulaError("it takes many steps")
    return (*steps, step)


def formula(steps: Sequence[Step]) -> str:
    """The steps as one formula in x."""
    text = "x"
    for step in steps:
        text = step.text(text)
    return text


def _pairwise(
    first: tuple[float, ...], second: tuple[float, ...], operation: Callable[[float, float], float]
) -> tuple[float, ...]:
    size = max(len(first), len(second))
    if len(first) not in (1, size) or len(second) not in (1, size):
        raise FormulaError("it computes with lists of different lengths")
    return tuple(operation(first[i % len(first)], second[i % len(second)]) for i in range(size))


def _atom(x: str) -> str:
    """The text in parentheses if it is a sum, a product or a negative."""
    depth = 0
    for letter in x:
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and letter in " -":
            return f"({x})"
    return x


def _product(x: str, factor: float) -> str:
    if factor == 1:
        return x
    if factor and len(_number(1 / factor)) < len(_number(factor)):
        return f"{x} / {_number(1 / factor)}"
    return f"{x} * {_number(factor)}"


def _number(value: float) -> str:
    return f"{value:.10g}"


def _list(values: tuple[float, ...]) -> str:
    return f"[{', '.join(map(_number, values))}]" if len(values) > 1 else _number(values[0])


def _slice(bounds: Bounds) -> str:
    return ":".join("" if bound is None else str(bound) for bound in bounds)
