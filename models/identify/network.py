"""A network whose pixels are sought: prepared pixels in, its answers out.

A Keras file becomes one here; `inference.pixel_network` makes one of a .tflite or .onnx file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt

from models.identify.candidates import SCALES
from models.loading import load_bare_network

Pixels = npt.NDArray[np.float32]
Answers = npt.NDArray[np.float64]

MOST_OUTPUTS = 4
"""Of a network's numbers, the first few are compared with the driver; one of more is hardly the steering."""


class PixelNetwork(Protocol):
    """shape: rows, columns and channels of its input. scales: the last steps to try, the likeliest one first.

    outputs: the numbers in its answer, at most MOST_OUTPUTS. notes: for the user.
    """

    shape: tuple[int, int, int]
    scales: tuple[str, ...]
    outputs: int
    notes: tuple[str, ...]

    def answers(self, pixels: Pixels) -> Answers:
        """Prepared images, (n, *shape) -> the numbers of each answer, (n, outputs)."""
        ...


class KerasNetwork:
    """A Keras file as a PixelNetwork. Raises ModelFileError if it cannot be loaded, or prepares its pixels itself."""

    def __init__(self, path: Path) -> None:
        network = load_bare_network(path)
        self.shape, self.notes = network.shape, network.notes
        self.scales: tuple[str, ...] = ("",) if network.scales_itself else SCALES
        self.outputs = min(int(np.prod(network.model.output_shape[1:])), MOST_OUTPUTS)
        self._predict = _compiled(network.model)

    def answers(self, pixels: Pixels) -> Answers:
        """See PixelNetwork."""
        answers = np.asarray(self._predict(pixels), np.float64)
        return answers.reshape(len(pixels), -1)[:, : self.outputs]


def _compiled(model: keras.Model) -> Callable[[Any], Any]:
    """The model as one compiled function, where the backend is TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        return lambda x: model(x, training=False)
    import tensorflow as tf  # noqa: PLC0415

    pixels = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    return tf.function(lambda x: model(x, training=False), input_signature=[pixels], autograph=False)
