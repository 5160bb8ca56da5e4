"""The inputs and outputs of network files: their shapes and number formats, and which output is the steering."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.adapter import Adapter

Array = npt.NDArray[Any]
CHANNELS = (1, 3)
MAX_ANSWERS = 100
NUMBERS = ("float32", "float16", "uint8", "int8", "int16")
"""The number formats of inputs and outputs that are read."""


class EngineError(ValueError):
    """The engine is not available on this machine, or it cannot run this model."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a network. shape: with the batch; 0 stands for an open size.

    dtype: the name of its number format. scale, zero_point: a quantised q stands for (q - zero_point) * scale; a scale
    of 0 means that the numbers stand for themselves.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    def encode(self, values: npt.NDArray[np.float32]) -> Array:
        """Real values in this tensor's number format: rounded to the nearest number, and limited to its range."""
        if not self.is_integer:
            return values.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        numbers = np.rint(values / self.scale + self.zero_point if self.scale else values)
        return np.clip(numbers, limits.min, limits.max).astype(self.dtype)

    def decode(self, number: float) -> float:
        """The real value that a number of this tensor stands for."""
        return (number - self.zero_point) * self.scale if self.scale else number

    def filled(self, size: tuple[int, int]) -> Tensor:
        """This image with the rows and columns of `size` where its own are open."""
        first = 2 if self.channels_first else 1
        rows, columns = (own or given for own, given in zip(self.shape[first : first + 2], size, strict=True))
        return replace(self, shape=(*self.shape[:first], rows, columns, *self.shape[first + 2 :]))

    @property
    def channels_first(self) -> bool:
        """Whether an image's channels come before its rows, as PyTorch has them."""
        return self.shape[3] not in CHANNELS

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Rows, columns and channels of an image."""
        return (*self.shape[2:], self.shape[1]) if self.channels_first else self.shape[1:]

    @property
    def is_integer(self) -> bool:
        """Whether the number format is one of whole numbers."""
        return "int" in self.dtype

    @property
    def value_range(self) -> tuple[float, float]:
        """The lowest and the highest real value of a quantised tensor."""
        limits = np.iinfo(self.dtype)
        return self.decode(limits.min), self.decode(limits.max)

    def __str__(self) -> str:
        return f"{self.name} ({self.dtype}, {' x '.join(str(size or 'open') for size in self.shape)})"


class Network(Protocol):
    """A network that its runtime has opened; it serves one request at a time."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def run(self, values: Array, output: int) -> Array:
        """The output of this number for the values of the only input."""
        ...


def single_input(file: Path, inputs: Sequence[Tensor]) -> Tensor:
    """The input that takes the frame. Raises EngineError if there are several, or if it is no single RGB image."""
    if len(inputs) != 1:
        raise EngineError(f"{file} takes {len(inputs)} inputs, {_list(inputs)}; the server gives one, the frame")
    (tensor,) = inputs
    is_image = len(tensor.shape) == 4 and tensor.shape[0] == 1
    if not is_image or not {tensor.shape[1], tensor.shape[3]} & set(CHANNELS):
        raise EngineError(f"{file} takes {tensor}; one image at a time of one or three channels is needed")
    if tensor.dtype not in NUMBERS:
        raise EngineError(f"{file} takes {tensor}; images of {', '.join(NUMBERS)} are known")
    return tensor


@dataclass(frozen=True, slots=True)
class SteeringOutput:
    """Where the steering is: in the output `number`, a tensor, its number `index`, or the likeliest of its classes.

    factor: the steering is multiplied by it. bins: how many classes, 0 for a number.
    """

    number: int
    index: int
    tensor: Tensor
    factor: float
    bins: int = 0

    def steering(self, values: Array) -> float:
        """The steering in the values of the output."""
        if self.bins:
            return (2.0 * int(values.argmax()) / (self.bins - 1) - 1.0) * self.factor
        return self.tensor.decode(float(values.flat[self.index])) * self.factor


def steering_output(file: Path, outputs: Sequence[Tensor], adapter: Adapter) -> SteeringOutput:
    """The output that steers: the only one, or the adapter's choice, as `models.answer.steering_of` reads it.

    Raises EngineError if it is not clear which one it is.
    """
    places = [
        (number, i) for number, output in enumerate(outputs) for i in range(1 if adapter.bins else _count(output))
    ]
    name = adapter.output
    if name is not None and not name.isdecimal():
        places = [place for place in places if outputs[place[0]].name == name]
    elif name is not None:
        places = places[int(name) : int(name) + 1]
    if len(places) != 1:
        what = f"output={name} is none of them" if name is not None else "one of their numbers is the steering"
        raise EngineError(
            f"{file} answers with {_list(outputs)}; {what}: add output=NAME or output=0, or bins for classes, to "
            "--preprocess"
        )
    ((number, index),) = places
    output = outputs[number]
    if output.dtype not in NUMBERS or (output.is_integer and not output.scale):
        raise EngineError(f"{file} answers with {output}; numbers of this format without a scale are no steering")
    bins = _count(output) if adapter.bins else 0
    if adapter.bins and not 2 <= bins <= MAX_ANSWERS:
        raise EngineError(f"bins needs 2 to {MAX_ANSWERS} classes; {file} answers with {output}")
    return SteeringOutput(number, index, output, adapter.steer, bins)


def _count(tensor: Tensor) -> int:
    """How many numbers a tensor has, at most MAX_ANSWERS + 1: more are no answer."""
    return min(math.prod(size or 1 for size in tensor.shape), MAX_ANSWERS + 1)


def _list(tensors: Sequence[Tensor]) -> str:
    return " and ".join(map(str, tensors)) or "nothing"
