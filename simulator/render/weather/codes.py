"""Codes of distances in a picture's alpha channel, one byte a pixel; `DistanceCode` in distance.py puts them there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from panda3d.core import NodePath

from protocol.arrays import Float64Array

FALL_M = 90.0
"""Distance at which 1 / e of the code is left."""

LEAST, MOST = 160, 248
ROAD = 0.6
"""Codes of far and of near land. Those of the road are this share of them, so that no two are equal."""

LEAST_DISTANCE = round(LEAST * ROAD) - 3
"""The least code that stands for a distance, less what rounding may take."""

NO_DISTANCE, GLOW = 0, 8
"""Codes of what has no distance: the sky, and the car itself; and of its lamps, which shine by themselves."""


def mark(part: NodePath, code: int) -> None:
    """Give all pixels of a part this code; it plays no part in clear weather."""
    part.set_alpha_scale((code + 0.5) / 256)


def codes_of(distance_m: Float64Array) -> npt.NDArray[np.uint8]:
    """The codes of land at these distances ahead of the rear axle."""
    return np.asarray(np.round(LEAST + (MOST - LEAST) * np.exp(-distance_m.clip(0) / FALL_M)), np.uint8)


def distances_m() -> Float64Array:
    """(256,): the distance ahead of the rear axle that each code stands for; 0 for the sky, which has none."""
    codes = np.arange(256)
    of_land = np.where(codes < LEAST - 3, codes / ROAD, codes)
    share = ((of_land - LEAST) / (MOST - LEAST)).clip(0.5 / (MOST - LEAST), 1)
    return np.asarray(np.where(codes < LEAST_DISTANCE, 0.0, -FALL_M * np.log(share)))


def on_road() -> npt.NDArray[np.uint16]:
    """(256,): 1 for the codes of the road, else 0."""
    codes = np.arange(256)
    return ((codes >= LEAST_DISTANCE) & (codes < LEAST - 3)).astype(np.uint16)
