"""Light: too much, too little, without contrast, or of another colour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.messages import Frame
from training.robustness.corruption import Moment

NEUTRAL_K = 6500.0
"""The colour temperature of light that leaves white white."""

XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""To linear sRGB (IEC 61966-2-1)."""

Table = npt.NDArray[np.uint8]


def brightness(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Raise the value V of HSV, as ImageNet-C does (Hendrycks and Dietterich, 2019). amount: by this share of white."""
    value = frame.max(2, keepdims=True).astype(np.float32)
    target = np.minimum(np.float32(255), value + np.float32(255 * amount))
    picture = np.where(value > 0, frame * (target / np.maximum(value, 1)), target)
    return np.rint(picture).astype(np.uint8)


def contrast(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Draw all values to each colour's mean, as ImageNet-C does (Hendrycks and Dietterich, 2019).

    amount: the share of the contrast that is left.
    """
    mean = frame.mean((0, 1), dtype=np.float64)
    return np.rint(mean + amount * (frame - mean)).astype(np.uint8)


def darkness(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Expose the picture for too short a time. amount: in stops, each of which halves the light."""
    return _tables((0.5**amount,) * 3)[frame, np.arange(3)]


def colour_temperature(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Light the scene with a warmer light than the camera is balanced for. amount: its colour temperature in kelvin."""
    light = _black_body(amount) / _black_body(NEUTRAL_K)
    return _tables(tuple((light / light[1]).clip(0).tolist()))[frame, np.arange(3)]


@lru_cache(maxsize=16)
def _tables(gains: tuple[float, ...]) -> Table:
    """(256, 3): the sRGB value of each value of each channel when its light is multiplied by the channel's gain."""
    value = np.arange(256)[:, None] / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) * np.array(gains)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * srgb.clip(0, 1)).astype(np.uint8)


def _black_body(kelvin: float) -> Float64Array:
    """Linear sRGB (3,) of a black body from 1667 to 25,000 K (Kim et al., 2002: the Planckian locus)."""
    t = 1000 / kelvin
    if kelvin < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin < 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return np.asarray(XYZ_TO_RGB @ np.array([x / y, 1.0, (1 - x - y) / y]))
