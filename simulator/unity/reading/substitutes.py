"""What is drawn for a picture that a checkout lacks: its mean colour, and grain of about the same size and strength.

The figures come from one recording of the lake, whose frames were compared with the drawn scene (27 November 2026).
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from simulator.unity.unity_scene import Bytes, Rgb

SIZE = 256


class Grain(NamedTuple):
    """How a texture looks from afar. falloff: of the spectrum with frequency; contrast: relative deviation."""

    mean: Rgb
    falloff: float
    contrast: float


GRAINS = {
    "asphalt": Grain((0.294, 0.294, 0.280), 0.3, 0.30),
    "asphalt-dirt": Grain((0.350, 0.280, 0.210), 0.5, 0.25),
    "bridge_wall": Grain((0.315, 0.266, 0.252), 0.6, 0.30),
    "concrete": Grain((0.525, 0.504, 0.455), 0.8, 0.10),
    "concrete-floor": Grain((0.525, 0.504, 0.455), 0.8, 0.10),
    "dirt": Grain((0.385, 0.266, 0.175), 0.8, 0.15),
    "grass": Grain((0.385, 0.364, 0.154), 0.9, 0.20),
    "mountain-wall": Grain((0.315, 0.308, 0.294), 1.0, 0.35),
    "SandAlbedo": Grain((0.420, 0.336, 0.238), 0.9, 0.12),
    "stone_wall": Grain((0.315, 0.308, 0.294), 1.0, 0.35),
}
"""By the stem of a file name."""

UNKNOWN = Grain((0.4, 0.4, 0.38), 0.8, 0.15)

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
    return np.clip(255 * shade[..., np.newaxis] * grain.mean, 0, 255).astype(np.uint8)


def plant_substitute() -> Bytes:
    """uint8 (128, 64, 4) for a plant: a slim cone of leaves."""
    rows, columns = np.mgrid[0:128, 0:64]
    pixels = np.empty((128, 64, 4), np.uint8)
    pixels[..., :3] = np.array(LEAF) * 255
    pixels[..., 3] = 255 * (np.abs(columns - 31.5) < rows / 4)
    return pixels
