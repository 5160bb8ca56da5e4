"""The figures of a confidence for a model's card: how well it tells unknown frames from unlike pictures."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from protocol.arrays import Float64Array
from protocol.messages import FRAME_ROWS
from training.confidence.unlike import PICTURES
from training.data.crops import Pixels, decode_crops
from training.data.samples import Drive

FRAMES = 100
"""So many frames of recordings that the model did not learn; of each, one picture of each kind is made."""

BATCH = 50

Figures = dict[str, dict[str, float | None]]


def area_under_curve(frames: Float64Array, unlike_confidences: Float64Array) -> float:
    """The chance that a frame's confidence is higher than an unlike picture's, of any number each; equal count half."""
    ordered = np.sort(unlike_confidences)
    below = np.searchsorted(ordered, frames, "left") + np.searchsorted(ordered, frames, "right")
    return float(below.mean() / (2 * len(unlike_confidences)))


def unlike_pictures(name: str, frames: Pixels) -> Pixels:
    """The unlike pictures of this kind of all frames, uint8 (n, 160, 320, 3), always the same ones."""
    generator = np.random.default_rng(0)
    return np.stack([PICTURES[name](frame, generator) for frame in frames])


def confidence_figures(model: keras.Model, tests: Sequence[Drive]) -> Figures:
    """The median confidence of frames of `tests`, and the AUC of each kind of unlike pictures; empty without tests.

    model: whole, with a confidence. Raises RecordingError.
    """
    paths = np.concatenate([drive.images[:, 0] for drive in tests]) if tests else np.empty(0, np.str_)
    if not paths.size:
        return {}
    places = np.unique(np.linspace(0, len(paths) - 1, min(FRAMES, len(paths))).astype(int))
    frames = decode_crops(paths[places], (0, FRAME_ROWS))
    reference = _confidences(model, frames)
    figures: Figures = {"frames (test)": {"number": float(len(frames)), "median": float(np.median(reference))}}
    for name in PICTURES:
        unlike_confidences = _confidences(model, unlike_pictures(name, frames))
        figures[name] = {
            "auc": area_under_curve(reference, unlike_confidences),
            "median": float(np.median(unlike_confidences)),
        }
    return figures


def _confidences(model: keras.Model, pictures: Pixels) -> Float64Array:
    """The confidences of pictures, (n,)."""
    parts = [model.predict_on_batch(pictures[first : first + BATCH])[1] for first in range(0, len(pictures), BATCH)]
    return np.concatenate([keras.ops.convert_to_numpy(part)[:, 0] for part in parts]).astype(np.float64)
