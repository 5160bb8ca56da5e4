"""A .tflite or .onnx file that anybody may have made, as a network of camera frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.network_files.answers import NumberOutput, answer_outputs, our_answers, with_our_names
from inference.network_files.frame_input import FrameInput, frame_input
from inference.network_files.opening import open_network
from inference.network_files.tensors import Array, EngineError, Tensor, image_input
from inference.network_files.trial import try_once
from models.adapter.measurements import Columns, columns_of
from models.adapter.pixel_card import pixels_of
from models.adapter.text import output_notes, read_adapter
from models.keras_files.file_kinds import ModelKind
from models.preprocessing.written import PreprocessingError
from protocol.messages import FRAME_SHAPE

Frames = npt.NDArray[np.uint8]
Lane = Callable[..., Array]
"""Frames (1, 160, 320, 3) or a stack (1, n, 160, 320, 3), and measurements (1, 3) -> float32 (1, outputs)."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A file that has passed its trial. content: its bytes, because the user may replace the file.

    image: the number of its image input, which `frames` prepares; columns: what each other input gets, in their order.
    answers: where the numbers of an answer are, by their names in `inference.policy.Answer`, the steering first.
    notes: choices, for the user.
    """

    kind: ModelKind
    name: str
    content: bytes
    image: int
    frames: FrameInput
    columns: dict[int, Columns]
    answers: dict[str, NumberOutput]
    notes: tuple[str, ...]

    def open_lane(self, threads: int) -> Lane:
        """A lane with an interpreter of its own, of so many threads."""
        network, prepare = open_network(self.kind, self.content, self.name, threads), self.frames.open()
        answers = tuple(self.answers.values())
        numbers = sorted({answer.number for answer in answers})
        stacked = self.frames.tensor.stack is not None

        def lane(frames: Frames, measurements: Array | None = None) -> Array:
            values = [prepare(frames[0] if stacked else frames)]
            for number in range(len(network.inputs)):
                if number in self.columns:
                    values.insert(number, _row(measurements, self.columns[number]))
            outputs = dict(zip(numbers, network.run(values, numbers), strict=True))
            return np.array([[answer.value(outputs[answer.number]) for answer in answers]], np.float32)

        return lane


def open_network_file(file: Path, kind: ModelKind, preprocess: str | None) -> NetworkFile:
    """Check and try a file. preprocess: as `models.adapter.text` reads it; None takes its card, or the usual pixels.

    Raises EngineError, PreprocessingError, UnconvertibleModelError, OSError.
    """
    adapter = read_adapter(pixels_of(file, preprocess))
    size = (adapter.preprocessing.output_shape if adapter.preprocessing else FRAME_SHAPE)[:2]
    content = file.read_bytes()
    try_once(kind, content, file, size)
    network = open_network(kind, content, str(file), threads=1)
    image = image_input(file, network.inputs)
    columns = {
        number: _columns(tensor, adapter.inputs) for number, tensor in enumerate(network.inputs) if number != image
    }
    frames = frame_input(file, network.inputs[image].filled(size), adapter.preprocessing)
    outputs = with_our_names(network.outputs) if frames.is_whole_bytes else network.outputs
    if frames.is_whole_bytes and adapter.output is None and "throttle" in (our_answers(outputs) or ()):
        adapter = replace(adapter, output="0", throttle="1")  # as `models.convert` writes both
    answers = answer_outputs(file, outputs, adapter)
    notes = [*frames.notes, *output_notes([output.name for output in outputs], adapter)]
    for number, input_columns in columns.items():
        notes.append(f"input {network.inputs[number].name}: {', '.join(map(str, input_columns))}")
    return NetworkFile(kind, str(file), content, image, frames, columns, answers, tuple(notes))


def _columns(tensor: Tensor, choices: Mapping[str, Columns]) -> Columns:
    try:
        return columns_of(tensor.name, tensor.shape[1], choices)
    except PreprocessingError as error:
        raise EngineError(str(error)) from None


def _row(measurements: Array | None, columns: Columns) -> Array:
    """The values (1, columns) of an input, of measurements (1, 3)."""
    assert measurements is not None
    return np.array([[measurements[0, column.measurement] * column.factor for column in columns]], np.float32)
