"""The values that stand on the stack while a Lambda's bytecode is followed, with their arithmetic and indexing."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeGuard

from models.keras_files.lambdas.image_steps import (
    MAX_NUMBER,
    Affine,
    Bounds,
    FormulaError,
    LambdaCrop,
    Mix,
    Step,
    appended,
)
from models.keras_files.lambdas.marshalled_code import Slice

RGB = range(3)


@dataclass(frozen=True, slots=True)
class Images:
    """The Lambda's argument after some steps."""

    steps: tuple[Step, ...] = ()

    def after(self, step: Step) -> Images:
        """These images after one more step."""
        return Images(appended(self.steps, step))


@dataclass(frozen=True, slots=True)
class Name:
    """A module, function or constant that the function names, such as `tf.image.resize`."""

    path: str


NUMBER_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
}


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a finite number of ordinary size."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def numbers(value: object) -> tuple[float, ...]:
    """One number, or a short list with one for each channel. Raises FormulaError for anything else."""
    values = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(values) <= len(RGB) or not all(map(is_number, values)):
        raise FormulaError(f"it computes with {describe(value)}")
    return tuple(map(float, values))


def whole(value: object) -> int:
    """A whole number. Raises FormulaError for anything else."""
    if type(value) is not int or abs(value) > MAX_NUMBER:
        raise FormulaError(f"it uses {describe(value)} as a whole number")
    return value


def computed(sign: str, left: object, right: object) -> object:
    """`left sign right` for numbers, or for images and numbers."""
    if isinstance(left, Images) and isinstance(right, Images):
        raise FormulaError(f"it computes images {sign} images")
    if isinstance(left, Images):
        return left.after(_affine(sign, numbers(right)))
    if isinstance(right, Images):
        return right.after(_affine_of_right(sign, numbers(left)))
    return _folded(sign, left, right)


def _folded(sign: str, left: object, right: object) -> float:
    if not is_number(left) or not is_number(right):
        raise FormulaError(f"it computes {describe(left)} {sign} {describe(right)}")
    try:
        result = _power(left, right) if sign == "**" else NUMBER_OPERATORS[sign](left, right)
    except (ArithmeticError, KeyError) as error:
        raise FormulaError(f"it computes {describe(left)} {sign} {describe(right)}") from error
    if not is_number(result):
        raise FormulaError("it computes with huge numbers")
    return result


def _power(left: float, right: float) -> float:
    """A small power, so that no huge number is made."""
    if abs(right) > 32 or (left < 0 and type(right) is float):
        raise ArithmeticError
    return left**right


def _affine(sign: str, right: tuple[float, ...]) -> Affine:
    """x sign right."""
    if sign == "+":
        return Affine((1.0,), right)
    if sign == "-":
        return Affine((1.0,), tuple(-number for number in right))
    if sign == "*":
        return Affine(right, (0.0,))
    if sign == "/" and all(abs(number) * MAX_NUMBER >= 1 for number in right):
        return Affine(tuple(1 / number for number in right), (0.0,))
    raise FormulaError(f"it computes images {sign} a number")


def _affine_of_right(sign: str, left: tuple[float, ...]) -> Affine:
    """left sign x."""
    if sign in "+*":
        return _affine(sign, left)
    if sign == "-":
        return Affine((-1.0,), left)
    raise FormulaError(f"it computes a number {sign} images")


def indexed(value: object, index: object) -> object:
    """`value[index]` for images (n, rows, columns, channels), or for one number of a tuple."""
    if not isinstance(value, Images):
        if isinstance(value, tuple) and type(index) is int and -len(value) <= index < len(value):
            return value[index]
        raise FormulaError(f"it indexes {describe(value)}")
    batch, rows, columns, channels = _four(index if isinstance(index, tuple) else (index,))
    if _bounds(batch) != (None, None):
        raise FormulaError("it selects among the images of a batch")
    crop = LambdaCrop(_bounds(rows), _bounds(columns))
    if crop != LambdaCrop((None, None), (None, None)):
        value = value.after(crop)
    return selected(value, channels)


def _four(items: tuple[object, ...]) -> list[object]:
    """One index for each of the four axes; an ellipsis or the end stands for whole axes."""
    whole_axis = Slice(None, None, None)
    places = [place for place, item in enumerate(items) if isinstance(item, EllipsisType)]
    if len(places) > 1 or len(items) - len(places) > 4:
        raise FormulaError("it has an index of too many axes")
    place = places[0] if places else len(items)
    rest = items[place + 1 :]
    return [*items[:place], *[whole_axis] * (4 - place - len(rest)), *rest]


def _bounds(item: object) -> Bounds:
    """First and end of a slice with step 1; the borders are None, however they are written."""
    if not isinstance(item, Slice) or item.step not in (None, 1):
        raise FormulaError("it has an index that is no plain slice")
    start, stop = (bound if bound is None else whole(bound) for bound in (item.start, item.stop))
    return None if start == 0 else start, stop


def selected(images: Images, item: object) -> Images:
    """The images with the RGB channels that the slice `item` selects or reverses."""
    if not isinstance(item, Slice):
        raise FormulaError("it has an index that is no plain slice")
    first, end, step = (bound if bound is None else whole(bound) for bound in (item.start, item.stop, item.step))
    if step == 0:
        raise FormulaError("it has a slice of step 0")
    channels = RGB[slice(first, end, step)]
    if channels == RGB:
        return images
    if not channels:
        raise FormulaError("it selects no channel")
    text = ":".join(
        "" if bound is None else str(bound) for bound in ((first, end) if step is None else (first, end, step))
    )
    kernel = tuple(tuple(float(channel == source) for channel in channels) for source in RGB)
    return images.after(Mix(f"{{}}[..., {text}]", kernel))


def describe(value: object) -> str:
    """A few words for a value in a message."""
    if isinstance(value, Images):
        return "images"
    if isinstance(value, Name):
        return f"{value.path}, whose value is not in the file"
    if isinstance(value, tuple):
        return "a list"
    text = repr(value) if isinstance(value, int | float | str | None) else type(value).__name__
    return text if len(text) <= 40 else f"{text[:37]}..."
