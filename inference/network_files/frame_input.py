"""Prepares camera frames for a network file's input: preprocessing, number format and layout.

Where a preprocessing only scales pixels, a table of 256 numbers does it. Otherwise its Keras layers are converted once
into a small LiteRT file, which runs before the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.conversion import preparation_file
from inference.network_files.litert import LiteRtNetwork
from inference.network_files.tensors import Array, EngineError, Tensor
from models.preprocessing.likely import advice, likely
from models.preprocessing.values import Scale
from models.preprocessing.written import Preprocessing, read_written
from protocol.messages import FRAME_SHAPE

Frames = npt.NDArray[np.uint8]

RANGES = {
    (0.0, 255.0): "",
    (0.0, 1.0): "scale=1/255",
    (-0.5, 0.5): "scale=1/255, offset=-0.5",
    (-1.0, 1.0): "scale=1/127.5, offset=-1",
}
"""The usual ranges of pixels, and what makes them of bytes."""

EIGHT_BITS = ("uint8", "int8")
FAR = 0.5
"""A calibration sees few pictures, so a file's range may differ from the usual one by this share of it."""


@dataclass(frozen=True, slots=True)
class FrameInput:
    """The way from a frame to an input. notes: on what was chosen, for the user.

    table: the input's number for each byte, where the preprocessing only scales; else preparation: the LiteRT file.
    """

    tensor: Tensor
    notes: tuple[str, ...]
    table: Array | None = None
    preparation: Path | None = None

    @property
    def is_whole_bytes(self) -> bool:
        """Whether the input takes the camera's bytes as they are, as the files of `models.convert` do."""
        return self.tensor.dtype == "uint8" and not self.tensor.scale and self.tensor.image_shape == FRAME_SHAPE

    def open(self) -> Callable[[Frames], Array]:
        """A function uint8 RGB (n, 160, 320, 3) -> the network's input; it serves one request at a time.

        n: 1, or as many as the input stacks.
        """
        prepare = self._open_images()
        shape = self.tensor.shape
        return (lambda frames: prepare(frames).reshape(shape)) if self.tensor.stack else prepare

    def _open_images(self) -> Callable[[Frames], Array]:
        """As `open`, with the images along the first axis."""
        channels_first = self.tensor.channels_first
        if self.table is not None:
            table = self.table
            if table.dtype == np.uint8 and not channels_first and np.array_equal(table, np.arange(256)):
                return lambda frames: frames
            return lambda frames: table.take(frames.transpose(0, 3, 1, 2) if channels_first else frames)
        assert self.preparation is not None
        preparation = LiteRtNetwork(self.preparation, self.preparation.name, threads=1)

        def prepare(frames: Frames) -> Array:
            images = [preparation.run([frames[i : i + 1]], [0])[0] for i in range(len(frames))]
            values = np.concatenate(images) if len(images) > 1 else images[0]
            return self.tensor.encode(values.transpose(0, 3, 1, 2) if channels_first else values)

        return prepare


def frame_input(file: Path, tensor: Tensor, choice: Preprocessing | None) -> FrameInput:
    """Choose how frames become the input `tensor`, an image without open sizes.

    choice: the user's; None chooses by the input's shape and, where the input is quantised, by its range.
    Raises EngineError if no preprocessing fits, or the user's does not; UnconvertibleModelError, OSError.
    """
    shape = tensor.image_shape
    if takes_frames(file, tensor):
        if choice is not None:
            raise EngineError(f"{file} takes bytes of whole frames and prepares them itself: omit --preprocess")
        return FrameInput(tensor, (), table=np.arange(256, dtype=np.uint8))
    preprocessing, notes = (choice, []) if choice is not None else _likely(file, tensor)
    if preprocessing.output_shape != shape:
        raise EngineError(
            f"the preprocessing {preprocessing} makes {_size(preprocessing.output_shape)}, {file} takes {_size(shape)}:"
            f" {advice(shape)}"
        )
    all_notes = (f"pixels: {preprocessing}", *notes)
    table = _table(preprocessing)
    if table is not None:
        return FrameInput(tensor, all_notes, table=tensor.encode(table))
    return FrameInput(tensor, all_notes, preparation=preparation_file(preprocessing.text))


def takes_frames(file: Path, tensor: Tensor) -> bool:
    """Whether an input takes camera frames as they are. Raises EngineError if nothing says what its numbers mean."""
    takes_bytes = tensor.is_integer and not tensor.scale
    if takes_bytes and tensor.dtype != "uint8":
        raise EngineError(f"{file} takes {tensor}: whole numbers without a scale")
    return takes_bytes and tensor.image_shape == FRAME_SHAPE


def _likely(file: Path, tensor: Tensor) -> tuple[Preprocessing, list[str]]:
    """The usual pixels for an input, and notes; numbers of 8 bits say their range themselves. Raises EngineError."""
    guess = likely(tensor.image_shape, scales_itself=False)
    if guess is None:
        raise EngineError(f"nothing in {file} says which pixels it wants: {advice(tensor.image_shape)}")
    preprocessing, notes = guess
    if tensor.dtype not in EIGHT_BITS:
        return preprocessing, notes
    scaling = usual_scaling(tensor)
    if scaling is None:
        lowest, highest = tensor.value_range
        raise EngineError(f"{file} takes values from {lowest:g} to {highest:g}: {advice(tensor.image_shape)}")
    parts = [part for part in (preprocessing.without_scaling().text, scaling) if part]
    return read_written(", ".join(parts)), [*notes, f"the pixels' range is that of the file's {tensor.dtype} numbers"]


def usual_scaling(tensor: Tensor) -> str | None:
    """What makes the usual range that is nearest to the range of an input; None where it tells none, or another.

    Numbers of 8 bits tell theirs. Those of 16 bits are symmetric about 0, so 0..1 and -1..1 have the same range there.
    """
    if tensor.dtype not in EIGHT_BITS:
        return None
    lowest, highest = tensor.value_range

    def distance(limits: tuple[float, float]) -> float:
        return (abs(limits[0] - lowest) + abs(limits[1] - highest)) / (limits[1] - limits[0])

    nearest = min(RANGES, key=distance)
    return RANGES[nearest] if distance(nearest) <= FAR else None


def _table(preprocessing: Preprocessing) -> npt.NDArray[np.float32] | None:
    """The value of each byte, (256,), if the preprocessing does the same to every pixel and channel; else None."""
    values = np.arange(256, dtype=np.float32)
    for step in preprocessing.steps:
        if not isinstance(step, Scale) or len(step.scale) != 1 or len(step.offset) != 1:
            return None
        values = values * np.float32(step.scale[0]) + np.float32(step.offset[0])
    return values


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
