"""Colour conversions of RGB pixels as OpenCV defines them for 8-bit images, in Keras' operations.

The formulas are those of OpenCV's page "Color conversions" (cvtColor). Hue has the range 0 to 180, everything else 0 to
255. Linear conversions are given as matrices, so that they can become a 1 x 1 convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearColour:
    """Channels = matrix @ (R, G, B) + zero. matrix: (channels, 3); zero: the channels of black in 8 bits."""

    matrix: Matrix
    zero: Matrix


YUV = LinearColour(
    np.array([[0.299, 0.587, 0.114], [-0.147108, -0.288804, 0.435912], [0.614777, -0.514799, -0.099978]]),
    np.array([0.0, 128.0, 128.0]),
)
"""COLOR_RGB2YUV: Y as BT.601, U = 0.492 (B - Y), V = 0.877 (R - Y)."""

YCRCB = LinearColour(
    np.array([[0.299, 0.587, 0.114], [0.499813, -0.418531, -0.081282], [-0.168636, -0.331068, 0.499704]]),
    np.array([0.0, 128.0, 128.0]),
)
"""COLOR_RGB2YCrCb: Y as BT.601, Cr = 0.713 (R - Y), Cb = 0.564 (B - Y)."""

LINEAR: dict[str, LinearColour] = {
    "rgb": LinearColour(np.eye(3), np.zeros(3)),
    "bgr": LinearColour(np.eye(3)[::-1], np.zeros(3)),
    "yuv": YUV,
    "yuv-bgr": LinearColour(YUV.matrix[:, ::-1], YUV.zero),
    "ycrcb": YCRCB,
    "grey": LinearColour(YUV.matrix[:1], np.zeros(1)),
}
"""`yuv-bgr` exchanges red and blue first: files of 2016, OpenCV before 3.2, and images that cv2.imread has read."""

WHITE = np.array([0.950456, 1.0, 1.088754])
XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
"""sRGB to CIE XYZ, and the XYZ of its white, D65."""


def hsv(rgb: Any) -> Any:
    """COLOR_RGB2HSV: float 0..255 (n, rows, columns, 3) -> hue 0..180, saturation and value 0..255."""
    from keras import ops  # noqa: PLC0415 - --help prints the table of colours and must not wait for Keras

    value, chroma = _value_and_chroma(rgb)
    saturation = 255.0 * chroma / ops.maximum(value, 1.0)
    return ops.concatenate([_hue(rgb, value, chroma), saturation, value], axis=-1)


def hls(rgb: Any) -> Any:
    """COLOR_RGB2HLS: float 0..255 (n, rows, columns, 3) -> hue 0..180, lightness and saturation 0..255."""
    from keras import ops  # noqa: PLC0415

    value, chroma = _value_and_chroma(rgb)
    total = 2.0 * value - chroma
    saturation = 255.0 * chroma / ops.maximum(ops.minimum(total, 510.0 - total), 1.0)
    return ops.concatenate([_hue(rgb, value, chroma), total / 2.0, saturation], axis=-1)


def lab(rgb: Any) -> Any:
    """COLOR_RGB2LAB of sRGB pixels: float 0..255 (n, rows, columns, 3) -> L * 255/100, a + 128, b + 128."""
    from keras import ops  # noqa: PLC0415

    x = rgb / 255.0
    light = ops.where(x <= 0.04045, x / 12.92, ops.power((x + 0.055) / 1.055, 2.4))
    parts = [
        sum(float(weight) * light[..., i : i + 1] for i, weight in enumerate(row / white))
        for row, white in zip(XYZ, WHITE, strict=True)
    ]
    x, y, z = (
        ops.where(part > 0.008856, ops.power(ops.maximum(part, 1e-9), 1 / 3), 7.787 * part + 16 / 116) for part in parts
    )
    return ops.concatenate([(116.0 * y - 16.0) * 2.55, 500.0 * (x - y) + 128.0, 200.0 * (y - z) + 128.0], axis=-1)


CURVED: dict[str, Callable[[Any], Any]] = {"hsv": hsv, "hls": hls, "lab": lab}
"""The conversions that are not linear; they need pixels of 0 to 255."""

CHANNELS = {
    **{space: tuple(space) for space in ("rgb", "bgr", "yuv", "hsv", "hls", "lab")},
    "ycrcb": ("y", "cr", "cb"),
}
"""The channels of each colour space, for single ones such as `s-of-hsv`."""


def colour_names() -> list[str]:
    """Every name that a preprocessing may use, single channels apart."""
    return [*LINEAR, *CURVED]


def channel_of(name: str) -> tuple[str, int | None] | None:
    """A colour's name -> its space and the number of the single channel: `s-of-hsv` -> ("hsv", 1); None if unknown."""
    if name in LINEAR or name in CURVED:
        return name, None
    channel, _, space = name.partition("-of-")
    if space in CHANNELS and channel in CHANNELS[space]:
        return space, CHANNELS[space].index(channel)
    return None


def _value_and_chroma(rgb: Any) -> tuple[Any, Any]:
    """The largest of R, G and B, and its distance from the smallest; both (n, rows, columns, 1)."""
    from keras import ops  # noqa: PLC0415

    value = ops.max(rgb, axis=-1, keepdims=True)
    return value, value - ops.min(rgb, axis=-1, keepdims=True)


def _hue(rgb: Any, value: Any, chroma: Any) -> Any:
    """Half of the hue in degrees, 0 to 179.5; 0 for grey."""
    from keras import ops  # noqa: PLC0415

    red, green, blue = (rgb[..., i : i + 1] for i in range(3))
    sixth = 30.0 / ops.maximum(chroma, 1e-3)
    of_red = (green - blue) * sixth
    of_green = (blue - red) * sixth + 60.0
    of_blue = (red - green) * sixth + 120.0
    hue = ops.where(ops.equal(value, red), of_red, ops.where(ops.equal(value, green), of_green, of_blue))
    hue = ops.where(hue < 0.0, hue + 180.0, hue)
    return ops.where(hue >= 179.5, 0.0, hue)
