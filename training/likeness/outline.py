"""A picture as outlines: the direction of its gradients, so that two pictures match in spite of light and texture.

Source: Haber and Modersitzki, 2006, Intensity Gradient Based Registration and Fusion of Multi-modal Images: gradients
divided by their length, of which noise takes part. Here bright and dark sides keep their meaning.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protocol.messages import Frame
from simulator.render.camera import HOOD_ROW

Outline = npt.NDArray[np.float32]
"""float32 (2, rows, columns): the gradient's part across and down, each -1..1; its squares sum to 1."""

NOISE = 25.0
"""Length of a gradient, of 255 grey levels a pixel, that counts half: the grain of asphalt is below it."""


def outline(frame: Frame, shrink: int) -> Outline:
    """The outlines of a camera frame, above the hood. shrink: pixels of the frame that make one of the outline."""
    grey = frame[: HOOD_ROW // shrink * shrink].astype(np.float32) @ np.array([0.3, 0.59, 0.11], np.float32)
    rows, columns = grey.shape
    small = grey.reshape(rows // shrink, shrink, columns // shrink, shrink).mean((1, 3))
    down, across = np.gradient(_blurred(small))
    length = np.sqrt(across**2 + down**2 + NOISE**2)
    parts = np.stack([across / length, down / length])
    return np.asarray(parts / max(float(np.sqrt(np.square(parts).sum())), 1e-6), np.float32)


def likeness(first: Outline, second: Outline) -> float:
    """How alike two outlines are: 1 if equal, about 0 of unlike pictures."""
    return float(np.vdot(first, second))


def turn_view(picture: Outline, columns: int) -> Outline:
    """About what a camera sees that looks so many columns further left: all moves right, and what enters is empty."""
    result = np.zeros_like(picture)
    width = picture.shape[2]
    first, end = max(0, columns), min(width, width + columns)
    result[:, :, first:end] = picture[:, :, first - columns : end - columns]
    return result


def _blurred(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Average each pixel with its neighbours, weights 1 2 1 both ways."""
    for axis in (0, 1):
        padding = [(1, 1) if axis == number else (0, 0) for number in (0, 1)]
        wide = np.pad(picture, padding, mode="edge")
        size = picture.shape[axis]
        before, here, after = (np.take(wide, range(start, start + size), axis) for start in (0, 1, 2))
        picture = np.asarray((before + 2 * here + after) / 4, np.float32)
    return picture
