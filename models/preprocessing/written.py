"""A preprocessing as users write it: "rows=60:140, size=64x64, colour=bgr, blur=3, scale=1/255, offset=-0.5".

The parts are the steps, in the order in which they are applied. Each is optional. Until a step scales the pixels they
are bytes, and every step rounds; from `scale`, `offset` or `standardise` on they are float32.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from models.preprocessing.colours import CHANNELS, channel_of, colour_names
from models.preprocessing.graph import Graph, Shape, Step, StepError
from models.preprocessing.places import Blur, Crop, Resize
from models.preprocessing.values import Colour, Numbers, Scale, Standardise
from protocol.messages import FRAME_SHAPE

MAX_CHARACTERS = 500
MAX_STEPS = 20
MAX_SIDE = 1024
"""Rows or columns of a network's input; the camera has 160 x 320."""

MAX_NUMBER = 1e6

SYNTAX = """parts of a written preprocessing, applied in the order in which they are written:
  rows=60:140        keep these rows; columns=20:300 likewise; either end may be left out or negative
  size=66x200        resize to rows x columns, bilinear; area=64x64 averages over areas (cv2.INTER_AREA)
  colour=yuv         rgb, bgr, yuv, yuv-bgr, ycrcb, hsv, hls, lab, grey, or a channel such as s-of-hsv
  blur=3             cv2.GaussianBlur with a kernel of this size
  scale=1/255        multiply by it; offset=-0.5 adds; 1/58:1/57:1/57 has one number for each channel
  standardise        subtract each image's mean and divide by its deviation"""


class PreprocessingError(ValueError, argparse.ArgumentTypeError):
    """A preprocessing that cannot be read; the message says what was received and what is possible.

    argparse shows the message of its own error only.
    """


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Steps from a camera frame to a network's input. text: as written, in normal form. output_shape: of the result.

    short_form: the name that was used for it, or "". A short form's scaling is left out for a network that scales the
    pixels itself.
    """

    steps: tuple[Step, ...]
    text: str
    output_shape: Shape
    short_form: str = ""

    def __str__(self) -> str:
        """For the user: "course (rows=60:135, ...)"."""
        text = self.text or "the frame as it is"
        return f"{self.short_form} ({text})" if self.short_form else text

    @property
    def scales(self) -> bool:
        """Whether a step changes the range of the pixels."""
        return any(isinstance(step, Scale | Standardise) for step in self.steps)

    def without_scaling(self) -> Preprocessing:
        """The same for a network that scales the pixels itself."""
        return preprocessing_of(step for step in self.steps if not isinstance(step, Scale | Standardise))

    def __call__(self, frames: Any) -> Any:
        """Symbolic RGB frames (n, 160, 320, 3), uint8 or float 0..255 -> float32 (n, *output_shape).

        The layers use float32 under any precision policy.
        """
        from keras import layers  # noqa: PLC0415 - --help prints the syntax and must not wait for Keras

        graph = Graph(frames)
        for step in self.steps:
            step.extend(graph)
        if graph.as_bytes:
            graph.x = layers.Rescaling(1.0, dtype="float32", name=graph.name("scale"))(graph.x)
        return graph.x


def preprocessing_of(steps: Any) -> Preprocessing:
    """The preprocessing of these steps. Raises PreprocessingError where one does not fit the image before it."""
    steps = tuple(steps)
    shape: Shape = FRAME_SHAPE
    linear_only = False
    for step in steps:
        if linear_only and isinstance(step, Colour) and not step.linear:
            raise PreprocessingError(f"{step.text} needs pixels of 0 to 255: write it before scale and standardise")
        linear_only = linear_only or isinstance(step, Scale | Standardise)
        try:
            shape = step.shape_after(shape)
        except StepError as error:
            raise PreprocessingError(str(error)) from None
    return Preprocessing(steps, ", ".join(step.text for step in steps), shape)


def read_written(text: str) -> Preprocessing:
    """Read a written preprocessing; an empty one takes the frame as it is. Raises PreprocessingError."""
    if len(text) > MAX_CHARACTERS:
        raise PreprocessingError(f"a preprocessing of {len(text)} characters; at most {MAX_CHARACTERS} are read")
    steps: list[Step] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = (piece.strip().lower() for piece in part.partition("="))
        if key not in READERS:
            raise PreprocessingError(
                f"{part!r} is no part of a preprocessing; the parts are {', '.join(sorted(READERS))}, as in "
                '"rows=60:140, size=64x64, colour=bgr, scale=1/255"'
            )
        step = READERS[key](value, preprocessing_of(steps).output_shape)
        previous = steps[-1] if steps else None
        merged = _merged(previous, step) if previous else None
        steps[-1:] = [merged] if merged else [*steps[-1:], step]
    if len(steps) > MAX_STEPS:
        raise PreprocessingError(f"a preprocessing of {len(steps)} steps; at most {MAX_STEPS} are read")
    return preprocessing_of(steps)


def read_number(text: str) -> float:
    """A number or a fraction: "-0.5", "1/255". Raises PreprocessingError."""
    numerator, slash, denominator = text.partition("/")
    try:
        value = float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not abs(value) <= MAX_NUMBER:
        raise PreprocessingError(f"{text!r} is not a number such as -0.5 or 1/255")
    return value


def _merged(previous: Step, step: Step) -> Step | None:
    """One step for two: rows with columns, and scale with the offset that follows it."""
    if isinstance(previous, Crop) and isinstance(step, Crop):
        if previous.rows is None and step.columns is None:
            return replace(previous, rows=step.rows)
        if previous.columns is None and step.rows is None:
            return replace(previous, columns=step.columns)
    if isinstance(previous, Scale) and isinstance(step, Scale) and step.scale == (1.0,) and previous.offset == (0.0,):
        return Scale(previous.scale, step.offset, f"{previous.text}, {step.text}")
    return None


def _read_rows(value: str, shape: Shape) -> Step:
    return Crop(rows=_span("rows", value, shape[0]))


def _read_columns(value: str, shape: Shape) -> Step:
    return Crop(columns=_span("columns", value, shape[1]))


def _span(key: str, value: str, size: int) -> tuple[int, int]:
    """First and end of "60:140", "60:" or "60:-25"; a negative end counts from the image's last."""
    first, colon, end = value.partition(":")
    try:
        numbers = [int(text) if text.strip() else default for text, default in ((first, 0), (end, size))]
    except ValueError:
        colon = ""
    if not colon:
        raise PreprocessingError(f"{key}={value} is not a first and an end, as in {key}=60:140")
    low, high = (number + size if number < 0 else number for number in numbers)
    if not 0 <= low < high <= size:
        raise PreprocessingError(f"{key}={value} is no part of the image's {size} {key}")
    return low, high


def _read_resize(key: str) -> Callable[[str, Shape], Step]:
    def read(value: str, shape: Shape) -> Step:
        del shape  # a resizing takes any
        rows, _, columns = value.partition("x")
        if not (
            rows.isdecimal() and columns.isdecimal() and 0 < int(rows) <= MAX_SIDE and 0 < int(columns) <= MAX_SIDE
        ):
            raise PreprocessingError(f"{key}={value} is not rows x columns up to {MAX_SIDE}, as in {key}=66x200")
        return Resize(int(rows), int(columns), key == "area")

    return read


def _read_colour(value: str, _: Shape) -> Step:
    if channel_of(value) is None:
        raise PreprocessingError(
            f"colour={value}: the colours are {', '.join(colour_names())}, and single channels such as s-of-hsv or "
            f"y-of-yuv (of {', '.join(CHANNELS)})"
        )
    return Colour(value)


def _read_blur(value: str, _: Shape) -> Step:
    if not value.isdecimal() or int(value) % 2 == 0 or int(value) > 31:
        raise PreprocessingError(f"blur={value} is not an odd size from 1 to 31, as in blur=3")
    return Blur(int(value))


def _read_scale(value: str, _: Shape) -> Step:
    return Scale(scale=_numbers(value), text=f"scale={value}")


def _read_offset(value: str, _: Shape) -> Step:
    return Scale(offset=_numbers(value), text=f"offset={value}")


def _numbers(value: str) -> Numbers:
    return tuple(read_number(text) for text in value.split(":"))


def _read_standardise(value: str, _: Shape) -> Step:
    if value:
        raise PreprocessingError(f"standardise={value}: standardise takes no value")
    return Standardise()


READERS: dict[str, Callable[[str, Shape], Step]] = {
    "rows": _read_rows,
    "columns": _read_columns,
    "size": _read_resize("size"),
    "area": _read_resize("area"),
    "colour": _read_colour,
    "blur": _read_blur,
    "scale": _read_scale,
    "offset": _read_offset,
    "standardise": _read_standardise,
}
"""The reader of each part: value and the shape before it -> step."""
