"""Roads as geometry: a closed centre line, its height, and features beside it: kerbs, a bridge or a dirt verge.

Rendering, driving and judging all use this one description. `lake` follows the shape of Udacity's first track, measured
on its recordings (yaw by the far horizon, distance by speed and time) and closed to its length of 1,135 m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from protocol.arrays import Float64Array

FeatureKind = Literal["kerb", "bridge", "dirt"]

SPACING_M = 0.5
"""Distance between two points of a centre line."""

SEARCH_POINTS = 60
"""Range of the search for a car's next place: 30 m, more than any car moves in a step."""

LAKE_LENGTH_M = 1135.0
LAKE_WAYPOINTS = """
0.0 0.0, 15.7 0.9, 31.0 4.8, 45.7 10.4, 59.0 18.8, 70.3 29.8, 79.9 42.3, 88.0 55.8, 94.5 70.1, 99.7 85.0, 103.6 100.3,
106.9 115.7, 109.1 131.3, 110.2 147.0, 110.3 162.8, 109.8 178.5, 108.9 194.3, 107.3 210.0, 104.9 225.5, 101.9 241.0,
98.1 256.3, 93.8 271.5, 89.0 286.5, 83.7 301.3, 77.6 315.9, 70.6 330.0, 62.5 343.5, 53.7 356.6, 43.9 368.9, 32.5 379.7,
20.2 389.6, 6.7 397.8, -8.3 402.4, -24.0 403.8, -39.4 401.2, -53.9 395.0, -67.8 387.5, -80.2 377.8, -91.1 366.4,
-101.0 354.2, -110.7 341.7, -120.0 329.0, -128.5 315.7, -136.9 302.4, -145.0 288.9, -152.5 275.0, -159.7 261.0,
-166.8 246.9, -173.7 232.7, -180.1 218.3, -184.9 203.3, -188.6 188.0, -190.1 172.4, -183.9 158.1, -171.5 148.6,
-156.4 144.2, -140.7 143.2, -125.0 142.5, -109.2 143.0, -93.5 143.5, -77.7 143.6, -62.4 140.4, -52.0 128.8,
-46.9 114.0, -46.4 98.3, -46.0 82.5, -45.5 66.8, -44.8 51.0, -42.8 35.4, -38.7 20.2, -30.1 7.2, -15.7 1.1
"""
"""x y in metres, about 15.8 m apart, anticlockwise."""


class RoadFeature(NamedTuple):
    """A part of the road with a feature. side: 1 left, -1 right, 0 both; the part may extend past the lap's end."""

    kind: FeatureKind
    start_m: float
    end_m: float
    side: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the road. offset_m: from the centre line, positive left; heading_rad: of the road."""

    index: int
    distance_m: float
    offset_m: float
    heading_rad: float


@dataclass(frozen=True, eq=False)
class Track:
    """A closed road. points: float64 (n, 2), metres; height_m: float64 (n,); look: `lake` or `mountain` scenery."""

    name: str
    look: Literal["lake", "mountain"]
    points: Float64Array
    height_m: Float64Array
    features: tuple[RoadFeature, ...] = ()

    @cached_property
    def length_m(self) -> float:
        """Length of one lap."""
        return float(np.hypot(*(np.roll(self.points, -1, 0) - self.points).T).sum())

    @property
    def spacing_m(self) -> float:
        """Distance between two points."""
        return self.length_m / len(self.points)

    @cached_property
    def heading_rad(self) -> Float64Array:
        """Direction of the road at each point, anticlockwise from the x axis."""
        ahead = np.roll(self.points, -1, 0) - np.roll(self.points, 1, 0)
        return np.arctan2(ahead[:, 1], ahead[:, 0])

    @cached_property
    def curvature(self) -> Float64Array:
        """1 / radius in 1 / m at each point, positive to the left."""
        turn = np.roll(self.heading_rad, -1) - np.roll(self.heading_rad, 1)
        return np.asarray(((turn + math.pi) % (2 * math.pi) - math.pi) / (2 * self.spacing_m))

    @cached_property
    def slope(self) -> Float64Array:
        """Rise per metre at each point."""
        return (np.roll(self.height_m, -1) - np.roll(self.height_m, 1)) / (2 * self.spacing_m)

    def locate(self, x: float, y: float, near: int | None = None) -> Place:
        """Find the nearest place on the road; near: an index of `points` to search around, if there is one."""
        if near is None:
            index = int(np.hypot(self.points[:, 0] - x, self.points[:, 1] - y).argmin())
        else:
            index = self._walk(x, y, near)
        xs, ys, headings = self._point_lists
        heading = headings[index]
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
        position = distance_m / self.spacing_m
        index = math.floor(position)
        share = position - index
        start, end = self.points[index % len(self.points)], self.points[(index + 1) % len(self.points)]
        return float(start[0] + share * (end[0] - start[0])), float(start[1] + share * (end[1] - start[1]))

    def has(self, kind: FeatureKind, distance_m: float, side: int) -> bool:
        """Whether the road has the feature at a distance, on a side (1 left, -1 right)."""
        return any(
            s.kind == kind
            and s.side in (0, side)
            and (distance_m - s.start_m) % self.length_m <= (s.end_m - s.start_m) % self.length_m
            for s in self.features
        )

    def reversed(self) -> Track:
        """The same road in the other direction, from the same start."""
        length = self.length_m
        features = tuple(RoadFeature(s.kind, -s.end_m % length, -s.start_m % length, -s.side) for s in self.features)
        points, height = (np.roll(values[::-1], 1, 0) for values in (self.points, self.height_m))
        return replace(self, points=points, height_m=height, features=features)


def open_track(name: str) -> Track:
    """Open `lake`, `mountain` or `random:SEED`. Raises ValueError, which lists these names."""
    kind, _, seed = name.partition(":")
    if name == "lake":
        return lake()
    if name == "mountain":
        return mountain()
    if kind == "random" and seed.isascii() and seed.isdigit() and len(seed) <= 9:
        return random_road(int(seed))
    raise ValueError(f"no track {name!r}; the tracks are lake, mountain and random:SEED, for example random:7")


def lake() -> Track:
    """Udacity's first track, with long left bends round a lake, a bridge and one right bend."""
    waypoints = np.array([pair.split() for pair in LAKE_WAYPOINTS.split(",")], np.float64)
    points = _resample(smooth_loop(waypoints))
    points *= LAKE_LENGTH_M / np.hypot(*(np.roll(points, -1, 0) - points).T).sum()
    features = (
        RoadFeature("kerb", 440, 520),
        RoadFeature("bridge", 668, 752),
        RoadFeature("kerb", 798, 880),
        RoadFeature("kerb", 940, 1012),
        RoadFeature("kerb", 1080, 20, 1),
        RoadFeature("kerb", 1090, 8, -1),
        RoadFeature("dirt", 42, 78, -1),
        RoadFeature("dirt", 884, 912, -1),
    )
    return Track("lake", "lake", points, np.zeros(len(points)), features)


def mountain() -> Track:
    """A road with tight bends, over hills that hide the road behind them."""
    turns = ((2, 0.20, 0.3), (3, 0.22, 1.1), (5, 0.10, 2.0), (7, 0.035, 0.5))
    points = _resample(_star(165.0, turns))
    share = np.arange(len(points)) / len(points) * 2 * np.pi
    height = 6.0 * np.sin(2 * share) + 1.2 * np.sin(7 * share + 1.0) + 0.4 * np.sin(13 * share)
    return Track("mountain", "mountain", points, height - height[0])


def random_road(seed: int) -> Track:
    """A different road for each seed. No radius is under 20 m, no two parts are closer than 45 m; bends have kerbs."""
    generator = np.random.default_rng(seed)
    while True:
        turns = [
            (k, float(generator.uniform(0, 0.75 / k**1.25)), float(generator.uniform(0, 2 * np.pi)))
            for k in range(2, 7)
        ]
        points = _resample(_star(float(generator.uniform(110, 170)), turns))
        track = Track(f"random:{seed}", "lake", points, np.zeros(len(points)))
        if np.abs(track.curvature).max() < 1 / 20 and _least_gap_m(points) > 45:
            return replace(track, features=_kerbs(track))


def smooth_loop(waypoints: Float64Array, fine: int = 64) -> Float64Array:
    """A closed curve through the waypoints (n, 2): a periodic cubic spline with `fine` points between each two."""
    count = len(waypoints)
    system = np.eye(count) * 4 + np.eye(count, k=1) + np.eye(count, k=-1)
    system[0, -1] = system[-1, 0] = 1
    bend = np.linalg.solve(system, 6 * (np.roll(waypoints, 1, 0) - 2 * waypoints + np.roll(waypoints, -1, 0)))
    t = (np.arange(fine) / fine)[None, :, None]
    starts, ends = waypoints[:, None], np.roll(waypoints, -1, 0)[:, None]
    bend_here, bend_there = bend[:, None], np.roll(bend, -1, 0)[:, None]
    curve = (1 - t) * starts + t * ends + ((1 - t) ** 3 - (1 - t)) * bend_here / 6 + (t**3 - t) * bend_there / 6
    return np.asarray(curve.reshape(-1, 2))


def _resample(curve: Float64Array) -> Float64Array:
    """Resample the closed curve at equal distances of SPACING_M, or a little less so that they fit the length."""
    closed = np.concatenate([curve, curve[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    places = np.linspace(0, along[-1], math.ceil(along[-1] / SPACING_M), endpoint=False)
    return np.stack([np.interp(places, along, closed[:, axis]) for axis in (0, 1)], 1)


def _star(
    radius_m: float, turns: list[tuple[int, float, float]] | tuple[tuple[int, float, float], ...]
) -> Float64Array:
    """A loop whose radius varies with the angle, so it never crosses itself. turns: (waves, share of radius, phase)."""
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    radius = radius_m * (1 + sum(size * np.cos(waves * angle + phase) for waves, size, phase in turns))
    curve = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return np.asarray(curve - curve[0])


def _least_gap_m(points: Float64Array) -> float:
    """The least distance between two places of the road that are more than 120 m of driving apart."""
    few = points[::12]
    gap = np.hypot(*(few[:, None] - few[None]).transpose(2, 0, 1))
    steps = np.abs(np.arange(len(few))[:, None] - np.arange(len(few)))
    steps = np.minimum(steps, len(few) - steps)
    return float(gap[steps * 12 * SPACING_M > 120].min())


def _kerbs(track: Track) -> tuple[RoadFeature, ...]:
    """Kerbs where the radius is under 45 m."""
    tight = np.abs(track.curvature) > 1 / 45
    starts = np.flatnonzero(tight & ~np.roll(tight, 1)) * track.spacing_m
    ends = np.flatnonzero(tight & ~np.roll(tight, -1)) * track.spacing_m
    lengths = [float(((ends - start) % track.length_m).min()) for start in starts]
    return tuple(RoadFeature("kerb", float(a), float(a) + length) for a, length in zip(starts, lengths, strict=True))
