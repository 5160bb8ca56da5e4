"""Rain: grey air that hides what is far, a wet road that mirrors what stands behind it, and streaks of drops."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from protocol.messages import Frame
from simulator.render.weather.channels import ONE, Bytes, Words, look_up, rgb, table
from simulator.render.weather.codes import distances_m, on_road
from simulator.render.weather.groves import plants_stand
from simulator.render.weather.rays import View

AIR = (152, 158, 163)
"""The colour of the air, and of the sky above the horizon."""

SIGHT_M = 70.0
"""Distance at which 1 / e of a thing's own colour is left."""

DULL, BRIGHT = 0.10, 0.6
"""Share of the mirrored picture in the colour of the wet road, seen from above and at a glance."""

RIPPLES = 0.02
"""Unevenness of the water: deviation of the slope at which a place of the picture mirrors."""

STREAKS, STREAK_ROWS = 90, 11
DROPS = (206, 212, 216)
"""Number of the streaks of rain in a picture, the rows that each crosses, and their colour."""


class Rain:
    """Veils the distance, wets the road and lets it rain; equal times give equal drops."""

    def finish(self, pixels: Bytes, view: View, time_s: float) -> Frame:
        """RGBA, uint8 (rows, columns, 4), with distances as alpha -> RGB in rain. time_s: of the game."""
        code = plants_stand(pixels[..., 3])
        picture = (pixels * look_up(_CLEAR, code) + look_up(_AIR, code)) // ONE
        first, mirrored, share = _mirror(view)
        weight = (share * np.take(_ROAD, code[first:]))[..., None]
        reflection = np.take(picture.view(np.uint64), mirrored).view(np.uint16).reshape(*mirrored.shape, 4)
        picture[first:] = (picture[first:] * (ONE - weight) + reflection * weight) // ONE
        _let_it_rain(picture, view, time_s)
        return rgb(picture)


@lru_cache(maxsize=16)
def _mirror(view: View) -> tuple[int, npt.NDArray[np.intp], Words]:
    """The first row that shows the road; from there on, the mirrored pixel of each pixel, and how much it counts."""
    rays = view.rays()
    rows, columns = rays.shape[:2]
    first = int((rays[..., 1] > 0).any(1).argmax())
    rays = rays[first:]
    ripples = RIPPLES * np.random.default_rng(0).standard_normal(rays.shape[:2])
    upwards = np.stack([rays[..., 0], -rays[..., 1] + ripples * rays[..., 1].clip(0) ** 0.5, rays[..., 2]], 2)
    row, column = view.pixels(upwards)
    places = np.round(row).clip(0, rows - 1) * columns + np.round(column).clip(0, columns - 1)
    glance = (1 - rays[..., 1].clip(0)) ** 5  # Schlick's approximation of Fresnel's law
    return first, places.astype(np.intp), (ONE * (DULL + (BRIGHT - DULL) * glance)).astype(np.uint16)


def _let_it_rain(picture: Words, view: View, time_s: float) -> None:
    """Draw streaks over the picture, away from the place that the car drives to."""
    rows, columns = picture.shape[:2]
    generator = np.random.default_rng([round(time_s * 1000), round((view.camera.lateral_offset_m + 10) * 1000)])
    top, left, light = generator.random((3, STREAKS, 1))
    steps = np.arange(STREAK_ROWS * view.scale)
    row = (top * rows + steps).astype(np.intp)
    column = (left * columns + (left - 0.5) * 0.9 * steps).astype(np.intp)
    inside = (row < rows) & (column >= 0) & (column < columns)
    weight = np.broadcast_to(ONE * (0.12 + 0.3 * light), inside.shape)[inside].astype(np.uint16)[:, None]
    places = row[inside], column[inside]
    picture[places] = (picture[places] * (ONE - weight) + _DROPS * weight) // ONE


_SHARE = np.exp(-distances_m() / SIGHT_M)[:, None]
_CLEAR, _AIR = table(ONE * _SHARE * np.ones(3)), table(ONE * (1 - _SHARE) * np.array(AIR))
_ROAD = on_road()
_DROPS = np.array([*DROPS, 0], np.uint16)
