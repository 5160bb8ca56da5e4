"""A .tflite or .onnx file whose pixels are sought, as `models.identify.network.PixelNetwork` describes it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from inference.engine import cpu_threads, require_package
from inference.network_files.answers import NumberOutput, choose_output
from inference.network_files.frame_input import takes_frames, usual_scaling
from inference.network_files.opening import open_network
from inference.network_files.tensors import EngineError, Tensor, image_input
from inference.network_files.trial import try_once
from models.identify.candidates import SCALES
from models.identify.network import MOST_OUTPUTS, Answers, Pixels
from models.keras_files.file_kinds import ModelKind
from protocol.messages import FRAME_SHAPE


class PixelNetworkFile:
    """A file in one interpreter or session, which answers image by image.

    Raises EngineError if a trial refuses the file, or if its input or all its outputs are of no use; OSError.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, file: Path, kind: ModelKind) -> None:
        require_package(kind)
        content = file.read_bytes()
        try_once(kind, content, file, FRAME_SHAPE[:2])
        self._network = open_network(kind, content, str(file), cpu_threads())
        self._input = self._network.inputs[image_input(file, self._network.inputs)].filled(FRAME_SHAPE[:2])
        if self._input.stack is not None or len(self._network.inputs) > 1:
            raise EngineError(f"{file} takes more than one frame: its pixels cannot be found by single frames")
        if takes_frames(file, self._input):
            raise EngineError(f"{file} takes bytes of whole frames and prepares them itself: there is nothing to find")
        rows, columns, channels = self._input.image_shape
        self.shape = (rows, columns, channels)
        scaling = usual_scaling(self._input)
        self.scales: tuple[str, ...] = SCALES if scaling is None else (scaling,)
        count = sum(math.prod(size or 1 for size in output.shape) for output in self._network.outputs)
        self.outputs = min(count, MOST_OUTPUTS)
        self._steering = _steering_outputs(file, self._network.outputs, self.outputs)

    def answers(self, pixels: Pixels) -> Answers:
        """See PixelNetwork; nan for an output whose numbers cannot steer."""
        return np.array([self._answer(image) for image in pixels], np.float64)

    def _answer(self, image: Pixels) -> list[float]:
        layout = image.transpose(2, 0, 1) if self._input.channels_first else image
        values = self._input.encode(layout[np.newaxis])
        numbers = {output.number for output in self._steering if output}
        results = dict(zip(numbers, self._network.run([values], list(numbers)), strict=True))
        return [output.value(results[output.number]) if output else math.nan for output in self._steering]


def _steering_outputs(file: Path, tensors: tuple[Tensor, ...], count: int) -> list[NumberOutput | None]:
    """The first outputs as `output=0`, `output=1`, ... choose them; None for one that cannot steer."""
    outputs: list[NumberOutput | None] = []
    for number in range(count):
        try:
            outputs.append(choose_output(file, tensors, "output", str(number)))
        except EngineError:
            outputs.append(None)
    if not any(outputs):
        raise EngineError(f"{file} answers with {' and '.join(map(str, tensors))}; none of its numbers can steer")
    return outputs
