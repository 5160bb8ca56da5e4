"""Marks in a camera frame what a network looks at, with the LiteRT file that `models.saliency` makes from it.

It costs several times as much as the steering value, so it runs in a separate process (`film.process`, the server's
saliency process).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.interpreter import open_interpreter
from protocol.messages import FRAME_SHAPE, Frame

COLOUR = np.array([255.0, 40.0, 180.0], np.float32)
"""A pink that neither road, grass, sand nor sky has."""

OPACITY = 0.8
FULL_PERCENTILE = 99.5
"""Percentile of a frame's saliency that is drawn at full strength; the maximum would leave the rest too faint."""

REPLY = struct.Struct("<?I")
"""Header of each reply to a Question: whether a picture (JPEG) follows or an error message (UTF-8); its length."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a marked picture. file: the saliency file, see SaliencyNetwork; image: a camera's JPEG or PNG."""

    file: Path
    image: bytes


class SaliencyNetwork:
    """Computes what one model looks at. file: from `conversion.saliency_file`. Raises ValueError for any other file."""

    def __init__(self, file: Path) -> None:
        try:
            self._interpreter = open_interpreter(file, threads=1)
            (frame_details,) = self._interpreter.get_input_details()
            (map_details,) = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{file} is no LiteRT file that this machine can run: {error}") from None
        map_shape = tuple(map_details["shape"])
        if tuple(frame_details["shape"]) != (1, *FRAME_SHAPE) or map_shape != FRAME_SHAPE[:2]:
            raise ValueError(f"{file} answers with {map_shape}, expected a map of {FRAME_SHAPE[:2]}")
        self._frame_index, self._map_index = frame_details["index"], map_details["index"]

    def looks_at(self, frame: Frame) -> npt.NDArray[np.float32]:
        """uint8 RGB (160, 320, 3) -> float32 (160, 320), 0 to 1: the saliency's square root, which lowers its peaks."""
        self._interpreter.set_tensor(self._frame_index, frame[np.newaxis])
        self._interpreter.invoke()
        root = np.sqrt(np.maximum(self._interpreter.get_tensor(self._map_index), 0.0))
        full = np.percentile(root, FULL_PERCENTILE)
        saliency: npt.NDArray[np.float32] = np.clip(root / full, 0, 1) if full > 0 else np.zeros_like(root)
        return saliency

    def marked(self, frame: Frame) -> Frame:
        """The frame with pink on what the network looks at: uint8 RGB (160, 320, 3)."""
        share = OPACITY * self.looks_at(frame)[..., np.newaxis]
        painted: Frame = (frame + (COLOUR - frame) * share + 0.5).astype(np.uint8)
        return painted
