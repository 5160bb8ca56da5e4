"""Training replaces the car's hood at the bottom of a frame, because it shows which camera took the frame.

A network that sees the hood learns from it, instead of from the road, that the left camera's frames ask for steering to
the right. It then hardly steers back when the centre camera itself is off the middle, and driving shows only that. So
each training image gets the hood of another centre frame, whatever camera took it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from simulator.render.camera import HOOD_ROW
from training.data.crops import Paths, Pixels, decode_crops
from training.data.viewpoint import Rows

HOODS = 256
"""So many hoods, of 3.4 MB, that none reveals its frame; each is also there mirrored."""


def hood_rows(rows: Rows) -> Rows:
    """Return the crop's rows that may show the hood; the range is empty for a crop that ends above it."""
    return max(rows[0], min(HOOD_ROW, rows[1])), rows[1]


def draw_hoods(centre_paths: Paths, rows: Rows, seed: int) -> Pixels:
    """Return the hoods of HOODS random centre images, or of all if there are fewer, and these mirrored.

    rows: those of the crop. Returns uint8 (n, k, 320, 3).
    """
    sample = np.random.default_rng(seed).permutation(np.asarray(centre_paths))[:HOODS]
    hoods = decode_crops(sample, hood_rows(rows))
    return np.concatenate([hoods, hoods[:, :, ::-1]])


def replace_hood(pixels: Any, hoods: Any, numbers: Any) -> Any:
    """Replace the last k rows of float32 pixels (n, rows, 320, 3) by those of `hoods` (m, k, 320, 3).

    numbers: int32 (n,), of each image's new hood.
    """
    if not hoods.shape[1]:
        return pixels
    replacements = ops.cast(ops.take(hoods, numbers, axis=0), "float32")
    return ops.concatenate([pixels[:, : pixels.shape[1] - hoods.shape[1]], replacements], axis=1)
