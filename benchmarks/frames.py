"""Drawn camera frames for benchmarks: each differs, and is as large as the simulator's when compressed.

A processor decodes one repeated image faster than different ones, and a drive never shows the same view twice.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from protocol.messages import FRAME_SHAPE

JPEG_QUALITY = 75
GRAIN = 19.0
"""Standard deviation of the texture, in grey levels. It makes a JPEG of about 12.6 kB, like the simulator's."""


def drawn_frames(count: int, seed: int = 1) -> list[bytes]:
    """Draw `count` different JPEG frames of a road, 320 x 160."""
    rng = np.random.default_rng(seed)
    return [_jpeg(_road(rng, float(rng.uniform(-1, 1)))) for _ in range(count)]


def _road(rng: np.random.Generator, bend: float) -> np.ndarray:
    rows, columns = np.mgrid[0 : FRAME_SHAPE[0], 0 : FRAME_SHAPE[1]]
    depth = np.clip((rows - 60) / 100, 0, 1)
    centre = 160 + bend * 120 * (1 - depth) ** 2
    picture = np.where((rows < 60)[..., None], (120.0, 170.0, 230.0), (60.0, 130.0, 50.0))
    picture[(rows >= 60) & (np.abs(columns - centre) < 20 + 130 * depth)] = (110, 110, 112)
    picture += rng.normal(0, GRAIN, FRAME_SHAPE[:2])[..., None] * (rows >= 50)[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _jpeg(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
