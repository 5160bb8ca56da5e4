"""The inputs and outputs of network files: their shapes and number formats, and which input is the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.adapter.measurements import MAX_COLUMNS

Array = npt.NDArray[Any]
CHANNELS = (1, 3)
MAX_STACK = 32
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
        first = len(self.shape) - (2 if self.channels_first else 3)
        rows, columns = (side or open_side for side, open_side in zip(self.shape[first : first + 2], size, strict=True))
        return replace(self, shape=(*self.shape[:first], rows, columns, *self.shape[first + 2 :]))

    @property
    def channels_first(self) -> bool:
        """Whether an image's channels come before its rows, as PyTorch has them."""
        return self.shape[-1] not in CHANNELS

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Rows, columns and channels of an image."""
        return (*self.shape[-2:], self.shape[-3]) if self.channels_first else self.shape[-3:]

    @property
    def stack(self) -> int | None:
        """How many images it holds along an axis of their own; None for one without that axis."""
        return self.shape[1] if len(self.shape) == 5 else None

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

    def run(self, values: Sequence[Array], outputs: Sequence[int]) -> list[Array]:
        """The outputs of these numbers for the values of all inputs, in the order of `inputs`."""
        ...


def image_input(file: Path, inputs: Sequence[Tensor]) -> int:
    """The number of the input that takes the frame, or a stack of frames; the others take a few numbers each.

    Raises EngineError unless it is the only image, RGB or grey, and the others are rows of float32.
    """
    images = [number for number, tensor in enumerate(inputs) if len(tensor.shape) >= 4]
    if len(images) != 1:
        raise EngineError(f"{file} takes {len(inputs)} inputs, {listed(inputs)}; one image is needed")
    tensor = inputs[images[0]]
    is_image = (
        len(tensor.shape) in (4, 5) and tensor.shape[0] == 1 and (tensor.stack is None or 0 < tensor.stack <= MAX_STACK)
    )
    if not is_image or not {tensor.shape[-3], tensor.shape[-1]} & set(CHANNELS):
        raise EngineError(f"{file} takes {tensor}; one image at a time of one or three channels is needed")
    if tensor.dtype not in NUMBERS:
        raise EngineError(f"{file} takes {tensor}; images of {', '.join(NUMBERS)} are known")
    for number, other in enumerate(inputs):
        is_row = len(other.shape) == 2 and other.shape[0] == 1 and 0 < other.shape[1] <= MAX_COLUMNS
        if number != images[0] and (not is_row or other.dtype != "float32"):
            raise EngineError(f"{file} takes {other}; besides the image, an input may take a row of float32 numbers")
    return images[0]


def listed(tensors: Sequence[Tensor]) -> str:
    """For the user: all of them with shapes and formats."""
    return " and ".join(map(str, tensors)) or "nothing"
