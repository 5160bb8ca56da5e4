"""Night: a little light from the sky, and the car's own headlights on whatever stands before it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from protocol.arrays import Float64Array
from protocol.messages import Frame
from simulator.render.weather.channels import ONE, Bytes, Words, look_up, rgb, table
from simulator.render.weather.codes import GLOW, LEAST_DISTANCE, distances_m
from simulator.render.weather.groves import plants_stand
from simulator.render.weather.rays import View

SKYLIGHT = (0.14, 0.155, 0.2)
"""Share of the day's red, green and blue that is left without the headlights."""

BEAM = (1.0, 0.95, 0.80)
"""The same in the middle of a beam, near the car."""

LAMPS_AHEAD_M, LAMPS_LEFT_M = 3.7, (0.62, -0.62)
"""The lamps' places, from the middle of the rear axle."""

REACH_M, FIRST_M = 30.0, 1.5
"""How far a beam reaches before a third of it is left, and from where on it fully lights the road, from the lamp."""

WIDE_M, WIDER = 1.7, 0.2
"""Half the width of a beam at the lamp, and by how much it widens with each metre."""

UPWARDS = 0.1
"""Slope above the level at which a third of a beam is left: what is higher stays dark."""

FAR_M = 25.0
"""The distance at which beams are drawn on what stands above the road."""


class Night:
    """Darkens what the sun shows, and lights what the headlights reach."""

    def finish(self, pixels: Bytes, view: View, time_s: float) -> Frame:
        """RGBA, uint8 (rows, columns, 4), with distances as alpha -> RGB by night. time_s: plays no part."""
        code = plants_stand(pixels[..., 3])
        light = _beams(view) * np.take(_LEFT, code) // ONE
        light[code == GLOW] = ONE - 1
        return rgb(pixels * look_up(_SHARES, light) // ONE)


@lru_cache(maxsize=16)
def _beams(view: View) -> Words:
    """The beams' pattern in the picture, (rows, columns), 0..255: on a level road, and on what stands above it."""
    rays = view.rays()
    ahead_m, left_m = view.road(rays)
    slope = -rays[..., 1] / np.maximum(rays[..., 2], 0.05)
    side = rays[..., 0] / np.maximum(rays[..., 2], 0.05)
    on_road = ahead_m < FAR_M + LAMPS_AHEAD_M
    distance_m = np.where(on_road, ahead_m - LAMPS_AHEAD_M, FAR_M).clip(0)
    left_m = np.where(on_road, left_m, view.camera.lateral_offset_m - FAR_M * side)
    width_m = WIDE_M + WIDER * distance_m
    pattern = sum(np.exp(-(((left_m - lamp_m) / width_m) ** 2)) for lamp_m in LAMPS_LEFT_M)
    first = (distance_m / FIRST_M).clip(0, 1)
    beams = np.minimum(1.0, 0.75 * np.asarray(pattern)) * first * first * (3 - 2 * first)
    return np.asarray(255 * beams * np.exp(-((slope.clip(0) / UPWARDS) ** 2)), np.uint16)


def _left(distance_m: Float64Array) -> Float64Array:
    """The share of a beam that is left at a distance."""
    return np.asarray(np.exp(-((np.maximum(distance_m, 0.0) / REACH_M) ** 1.5)))


_LEFT = (ONE * np.where(np.arange(256) < LEAST_DISTANCE, 0, _left(distances_m() - LAMPS_AHEAD_M))).astype(np.uint16)
"""The same in 256ths for each code of a distance; nothing lights the sky and the car."""

_SHARES = table(ONE * (np.array(SKYLIGHT) + np.linspace(0, 1, 256)[:, None] * (np.array(BEAM) - SKYLIGHT)))
