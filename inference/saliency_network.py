"""Marks in a camera frame what a network looks at, with the LiteRT file that models/saliency.py makes of it.

For a process of its own (saliency_process.py, film_process.py): it costs several times the answer itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from protocol.messages import FRAME_SHAPE, Frame

COLOUR = np.array([255.0, 40.0, 180.0], np.float32)
"""A pink that neither road, grass, sand nor sky has."""

OPACITY = 0.8
FULL_PERCENTILE = 99.5
"""Of a frame's pixels; the strongest few would else leave the rest too faint to see."""

REPLY = struct.Struct("<?I")
"""Before each reply to a Question: whether it is a picture (JPEG) or a reason (UTF-8) why there is none; its bytes."""


@dataclass(frozen=True, slots=True)
class Question:
    """What does a network look at here? file: its own, see SaliencyNetwork; image: a camera's JPEG or PNG."""

    file: Path
    image: bytes


class SaliencyNetwork:
    """What one model looks at. file: made by `conversion.saliency_file`. Raises ValueError where it is no such file."""

    def __init__(self, file: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415  # heavy: only for those who ask

        try:
            self._interpreter = Interpreter(model_path=str(file), num_threads=1)
            self._interpreter.allocate_tensors()
            (given,), (wanted,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{file} is no LiteRT file that runs here: {error}") from None
        if tuple(given["shape"]) != (1, *FRAME_SHAPE) or tuple(wanted["shape"]) != FRAME_SHAPE[:2]:
            raise ValueError(f"{file} answers with {tuple(wanted['shape'])}, expected a map of {FRAME_SHAPE[:2]}")
        self._given, self._wanted = given["index"], wanted["index"]

    def looks_at(self, frame: Frame) -> npt.NDArray[np.float32]:
        """uint8 RGB (160, 320, 3) -> float32 (160, 320), 0 to 1: the saliency's square root, for its peaks are high."""
        self._interpreter.set_tensor(self._given, frame[np.newaxis])
        self._interpreter.invoke()
        root = np.sqrt(np.maximum(self._interpreter.get_tensor(self._wanted), 0.0))
        full = np.percentile(root, FULL_PERCENTILE)
        seen: npt.NDArray[np.float32] = np.clip(root / full, 0, 1) if full > 0 else np.zeros_like(root)
        return seen

    def marked(self, frame: Frame) -> Frame:
        """The frame with pink on what the network looks at: uint8 RGB (160, 320, 3)."""
        share = OPACITY * self.looks_at(frame)[..., np.newaxis]
        painted: Frame = (frame + (COLOUR - frame) * share + 0.5).astype(np.uint8)
        return painted
