"""A track: a closed road with its profile, on which a car has a place and each of its wheels a surface.

Rendering, driving and judging all use this one description.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal

import numpy as np

from protocol.arrays import Float64Array
from protocol.tracks.names import CLEAR, RANDOM, TRACK_NAMES, is_track_name, split_track_name
from simulator.roads.curves import curvatures, distances, headings
from simulator.roads.made import mountain, random_road
from simulator.roads.profile import Shape, Side, Surface
from simulator.roads.surveyed import surveyed_road

Look = Literal["lake", "jungle", "mountain", "udacity-lake", "udacity-jungle"]

SEARCH_POINTS = 60
"""Range of the search for a car's next place: 30 m, more than any car moves in a step."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the road. offset_m: from the centre line, positive left; heading_rad: of the road."""

    index: int
    distance_m: float
    offset_m: float
    heading_rad: float


@dataclass(frozen=True, eq=False)
class Track:
    """A closed road: its name, the scenery that it is drawn with, its shape, and the weather there."""

    road: str
    look: Look
    shape: Shape
    weather: str = CLEAR

    @property
    def name(self) -> str:
        """The road's name, and after a colon the weather unless it is clear."""
        return self.road if self.weather == CLEAR else f"{self.road}:{self.weather}"

    @property
    def points(self) -> Float64Array:
        """The centre line, float64 (n, 2), metres."""
        return self.shape.points

    @property
    def height_m(self) -> Float64Array:
        """Height of the centre line, float64 (n,)."""
        return self.shape.height_m

    @cached_property
    def length_m(self) -> float:
        """Length of one lap."""
        return float(distances(self.points)[-1])

    @cached_property
    def spacing_m(self) -> float:
        """Distance between two points."""
        return self.length_m / len(self.points)

    @cached_property
    def heading_rad(self) -> Float64Array:
        """Direction of the road at each point, anticlockwise from the x axis."""
        return headings(self.points)

    @cached_property
    def curvature(self) -> Float64Array:
        """1 / radius in 1 / m at each point, positive to the left."""
        return curvatures(self.points, self.spacing_m)

    @cached_property
    def slope(self) -> Float64Array:
        """Rise per metre at each point."""
        return (np.roll(self.height_m, -1) - np.roll(self.height_m, 1)) / (2 * self.spacing_m)

    def side(self, offset_m: float) -> Side:
        """The left side of the road for positive offsets, and the right one for others."""
        return self.shape.left if offset_m > 0 else self.shape.right

    def surface(self, distance_m: float, offset_m: float) -> Surface:
        """What lies at a distance along the road, so far to the left of its middle; distances wrap round the lap."""
        index = round(distance_m / self.spacing_m) % len(self.points)
        return self.side(offset_m).surface(index, abs(offset_m))

    def locate(self, x: float, y: float, near: int | None = None) -> Place:
        """Find the nearest place on the road; near: an index of `points` to search around, if there is one."""
        if near is None:
            index = int(np.hypot(self.points[:, 0] - x, self.points[:, 1] - y).argmin())
        else:
            index = self._walk(x, y, near)
        xs, ys, road_headings = self._point_lists
        heading = road_headings[index]
        dx, dy = x - xs[index], y - ys[index]
        along = dx * math.cos(heading) + dy * math.sin(heading)
        offset = -dx * math.sin(heading) + dy * math.cos(heading)
        return Place(index, (index * self.spacing_m + along) % self.length_m, offset, heading)

    def _walk(self, x: float, y: float, near: int) -> int:
        """Walk from point to point while the next one is nearer; in a step a car moves by less than one point."""
        xs, ys, _ = self._point_lists

        def squared_distance(index: int) -> float:
            return (x - xs[index % len(xs)]) ** 2 + (y - ys[index % len(ys)]) ** 2

        index, distance = near, squared_distance(near)
        direction = 1 if squared_distance(near + 1) < distance else -1
        while abs(index - near) < SEARCH_POINTS and (next_distance := squared_distance(index + direction)) < distance:
            index, distance = index + direction, next_distance
        return index % len(xs)

    @cached_property
    def _point_lists(self) -> tuple[list[float], list[float], list[float]]:
        """x, y and heading of each point as Python floats, which are faster one at a time than numpy's."""
        return self.points[:, 0].tolist(), self.points[:, 1].tolist(), self.heading_rad.tolist()

    def point_at(self, distance_m: float) -> tuple[float, float]:
        """x and y of the centre line at a distance; distances wrap round the lap."""
        return self._between(self.points[:, 0], distance_m), self._between(self.points[:, 1], distance_m)

    def height_at(self, distance_m: float) -> float:
        """Height of the centre line at a distance; distances wrap round the lap."""
        return self._between(self.height_m, distance_m)

    def _between(self, values: Float64Array, distance_m: float) -> float:
        """Interpolate a value of each point (n,)."""
        position = distance_m / self.spacing_m
        index = math.floor(position)
        start, end = values[index % len(values)], values[(index + 1) % len(values)]
        return float(start + (position - index) * (end - start))

    def reversed(self) -> Track:
        """The same road in the other direction, from the same start."""
        points, height_m = (np.roll(values[::-1], 1, 0) for values in (self.points, self.height_m))
        left, right = self.shape.right.reversed(), self.shape.left.reversed()
        return replace(self, shape=Shape(points, height_m, left, right, self.shape.water_m))


_TRACKS: dict[str, tuple[Look, Callable[[], Shape]]] = {
    "lake": ("lake", partial(surveyed_road, "lake")),
    "jungle": ("jungle", partial(surveyed_road, "jungle")),
    "mountain": ("mountain", mountain),
    "udacity-lake": ("udacity-lake", partial(surveyed_road, "lake")),
    "udacity-jungle": ("udacity-jungle", partial(surveyed_road, "jungle")),
}
"""The look of each track, and what makes its road."""


def open_track(name: str) -> Track:
    """Open the track of a name, such as `lake`, `lake:night` or `random:7`. Raises ValueError, which lists the names,
    and OSError.
    """
    if not is_track_name(name):
        raise ValueError(f"no track {name!r}; the tracks are {TRACK_NAMES}, for example random:7 or lake:night")
    road, weather = split_track_name(name)
    if road in _TRACKS:
        look, make = _TRACKS[road]
        return Track(road, look, make(), weather)
    seed = int(road.removeprefix(f"{RANDOM}:"))
    return Track(f"{RANDOM}:{seed}", "lake", random_road(seed), weather)
