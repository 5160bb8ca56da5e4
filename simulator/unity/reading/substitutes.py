"""What is drawn for a picture that a checkout lacks: its mean colour, and grain of about the same size and strength.

The figures come from recordings of the lake, whose frames were compared with the drawn scene (27 November 2026; those
of the concrete floor 28 November 2026, on two others). They were measured as if surfaces scattered light alike to all
sides. For the materials of Unity's standard shader they were then computed anew, so that a level surface has the same
colour on average.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from simulator.unity.unity_scene import Bytes, Lean, Rgb

SIZE = 256


class Grain(NamedTuple):
    """How a texture looks from afar. falloff: of the spectrum with frequency; contrast: relative deviation."""

    mean: Rgb
    falloff: float
    contrast: float


GRAINS = {
    "asphalt": Grain((0.32, 0.34, 0.34), 0.3, 0.45),
    "asphalt-dirt": Grain((0.43, 0.33, 0.23), 0.5, 0.38),
    "bridge_wall": Grain((0.49, 0.43, 0.41), 0.6, 0.41),
    "concrete": Grain((0.75, 0.72, 0.65), 0.8, 0.10),
    "concrete-floor": Grain((0.59, 0.59, 0.59), 0.8, 0.12),
    "dirt": Grain((0.57, 0.46, 0.36), 0.8, 0.15),
    "grass": Grain((0.53, 0.53, 0.30), 0.9, 0.20),
    "mountain-wall": Grain((0.45, 0.44, 0.42), 1.0, 0.35),
    "SandAlbedo": Grain((0.60, 0.48, 0.34), 0.9, 0.12),
    "stone_wall": Grain((0.45, 0.44, 0.42), 1.0, 0.35),
}
"""By the stem of a file name."""

UNKNOWN = Grain((0.57, 0.57, 0.54), 0.8, 0.15)

EDGES = {"asphalt": (((0.19, 0.17, 0.16), 0.033), ((0.59, 0.50, 0.12), 0.047))}
"""Bands along both edges of a picture, from the edge inwards: colour, and the share of the height where it ends.

The lake's asphalt has its dark band and its yellow line there. The picture ends 3.64 m from the road's middle, and the
survey has the line from 3.30 to 3.40 m.
"""

LEANS: dict[str, Lean] = {"concrete-floor-n": (-0.28, -0.10)}
"""Of normal maps, by the stem of a file name; others are level."""

LEAF = (0.20, 0.25, 0.10)


def ground_substitute(stem: str) -> Bytes:
    """uint8 (256, 256, 3) for a ground or wall, which tiles; the same at each call."""
    grain = GRAINS.get(stem, UNKNOWN)
    frequency = np.fft.fftfreq(SIZE)
    distance = np.hypot(frequency[:, np.newaxis], frequency)
    distance[0, 0] = 1
    white = np.random.default_rng(zlib.crc32(stem.encode())).normal(size=(SIZE, SIZE))
    noise = np.fft.ifft2(np.fft.fft2(white) * distance**-grain.falloff).real
    noise -= noise.mean()
    shade = 1 + grain.contrast * noise / noise.std()
    color = np.tile(np.array(grain.mean), (SIZE, 1))
    inwards = (np.minimum(np.arange(SIZE), SIZE - 1 - np.arange(SIZE)) + 0.5) / SIZE
    for band, end in reversed(EDGES.get(stem, ())):
        color[inwards < end] = band
    return np.clip(255 * shade[..., np.newaxis] * color[:, np.newaxis], 0, 255).astype(np.uint8)


def plant_substitute() -> Bytes:
    """uint8 (128, 64, 4) for a plant: a slim cone of leaves."""
    rows, columns = np.mgrid[0:128, 0:64]
    pixels = np.empty((128, 64, 4), np.uint8)
    pixels[..., :3] = np.array(LEAF) * 255
    pixels[..., 3] = 255 * (np.abs(columns - 31.5) < rows / 4)
    return pixels
