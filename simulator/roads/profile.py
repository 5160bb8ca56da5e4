"""What makes a road: its line, its heights, how wide it is on either side, and what lies beside it, at each place."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array

Surface = Literal["road", "shoulder", "stripes", "dirt", "kerb", "grass", "rock", "wall", "water"]
"""What a wheel stands on. stripes: red and white, level with the road; kerb: a raised edge of concrete."""

SURFACES: tuple[Surface, ...] = get_args(Surface)
CRASHES: frozenset[Surface] = frozenset({"rock", "wall", "water"})
"""What ends a drive when a wheel touches it."""

ROAD_M, STRIP_M, KERB_M = 3.64, 4.63, 5.75
"""Udacity's lake from the middle: where its carriageway, the level strip beside it and the raised kerb end."""

LAND_AT_M = (8.0, 15.0, 30.0)
"""Distances from the middle of the road at which the land's height was surveyed."""


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a road, with a row for each of the n points of its centre line; distances are from that line.

    road_m, strip_m, kerb_m: float64 (n,), where the carriageway, the level strip beside it and the raised kerb end.
    strip, beyond: str (n,), the Surface of the strip, and of the land beyond the kerb. land_m: float64 (n, 3), heights
    of the land at LAND_AT_M, or None if nobody surveyed it.
    """

    road_m: Float64Array
    strip_m: Float64Array
    kerb_m: Float64Array
    strip: npt.NDArray[np.str_]
    beyond: npt.NDArray[np.str_]
    land_m: Float64Array | None = None

    def surface(self, index: int, distance_m: float) -> Surface:
        """What lies at point `index`, so far from the centre line on this side."""
        road_m, strip_m, kerb_m, strip, beyond = self._rows[index]
        if distance_m <= road_m:
            return "road"
        if distance_m <= strip_m:
            return strip
        return "kerb" if distance_m <= kerb_m else beyond

    @cached_property
    def _rows(self) -> list[tuple[float, float, float, Surface, Surface]]:
        """The columns as Python values, which are faster one at a time than numpy's."""
        columns = (self.road_m, self.strip_m, self.kerb_m, self.strip, self.beyond)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def reversed(self) -> Side:
        """The same side, seen by a car that drives the other way from the same start; it is then the other side."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        back = {name: np.roll(column[::-1], 1, 0) for name, column in columns.items() if column is not None}
        return replace(self, **back)


class Shape(NamedTuple):
    """A road. points: its centre line, float64 (n, 2), metres; height_m: float64 (n,); water_m: height of the water."""

    points: Float64Array
    height_m: Float64Array
    left: Side
    right: Side
    water_m: float


def plain_side(points: int, strip: npt.NDArray[np.str_] | Surface = "shoulder", beyond: Surface = "grass") -> Side:
    """A side as wide as the lake's. strip: one Surface, or str (points,)."""
    road_m, strip_m, kerb_m = (np.full(points, width_m) for width_m in (ROAD_M, STRIP_M, KERB_M))
    return Side(road_m, strip_m, kerb_m, np.broadcast_to(np.asarray(strip), points), np.full(points, beyond))
