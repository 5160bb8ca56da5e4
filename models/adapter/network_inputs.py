"""What a steering model takes: a camera frame or the latest few, and the car's measurements if the network wants them.

Whatever the inputs of a file are called and how they are shaped, the model's are `frames`, uint8, and `measurements`,
float32 (n, 3) in the order of `models.adapter.measurements.MEASUREMENTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from models.adapter.measurements import MEASUREMENTS, OWN_NAME, Columns, columns_of
from models.keras_files.layers.steps import fold, unfold
from models.preprocessing.written import Preprocessing
from protocol.messages import FRAME_SHAPE


@dataclass(frozen=True, slots=True)
class NetworkInputs:
    """The inputs of the model, and the symbolic values of the file's own inputs by name."""

    inputs: tuple[Any, ...]
    values: dict[str, Any]

    def model(self, output: Any) -> keras.Model:
        """The model from these inputs to the symbolic `output`."""
        return keras.Model(self.inputs if len(self.inputs) > 1 else self.inputs[0], output)


def network_inputs(
    image: str,
    preprocessing: Preprocessing | None,
    stack: int | None,
    vectors: Mapping[str, int],
    choices: Mapping[str, Columns],
) -> NetworkInputs:
    """Inputs for a file whose input `image` takes prepared frames, `stack` of them if it is not None.

    vectors: sizes of the file's other inputs; choices: what the user says that they get.
    Raises PreprocessingError if it is unclear what another input gets.
    """
    frames = keras.Input(FRAME_SHAPE if stack is None else (stack, *FRAME_SHAPE), dtype="uint8", name="frames")
    x = frames if stack is None else fold(frames, "preprocess_fold")
    if preprocessing is not None:
        x = preprocessing(x)
    values = {image: x if stack is None else unfold(x, stack, "preprocess_unfold")}
    if not vectors:
        return NetworkInputs((frames,), values)
    measurements = keras.Input((len(MEASUREMENTS),), dtype="float32", name=OWN_NAME)
    for name, size in vectors.items():
        values[name] = keras.ops.matmul(measurements, _matrix(columns_of(name, size, choices)))
    return NetworkInputs((frames, measurements), values)


def describe(vectors: Mapping[str, int], choices: Mapping[str, Columns]) -> list[str]:
    """Notes for the user on what each other input gets. Raises PreprocessingError as `network_inputs` does."""
    return [f"input {name}: {', '.join(map(str, columns_of(name, size, choices)))}" for name, size in vectors.items()]


def _matrix(columns: Columns) -> Any:
    """The matrix (measurements, columns) that chooses and scales the measurements."""
    matrix = np.zeros((len(MEASUREMENTS), len(columns)), np.float32)
    for number, column in enumerate(columns):
        matrix[column.measurement, number] = column.factor
    return matrix
