"""Roads as geometry: a closed centre line, its height, and which stretches of it carry kerbs, a bridge or a dirt verge.

Drawing, driving and judging all ask this one description. `lake` follows the shape of Udacity's first track as it was
measured on its recordings (yaw by the far horizon, distance by speed and time), closed to its 1,135 m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from protocol.arrays import Float64Array

Kind = Literal["kerb", "bridge", "dirt"]

SPACING_M = 0.5
"""Between two points of a centre line."""

SEARCH_POINTS = 60
"""How far from the last place the next one is looked for: 30 m, more than any car moves in a step."""

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


class Stretch(NamedTuple):
    """A part of the road with something beside it. side: 1 left, -1 right, 0 both; end may pass the lap's end."""

    kind: Kind
    start_m: float
    end_m: float
    side: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is on the road. offset_m: from the centre line, positive left; heading_rad: of the road."""

    index: int
    distance_m: float
    offset_m: float
    heading_rad: float


@dataclass(frozen=True, eq=False)
class Track:
    """A closed road. points: float64 (n, 2), metres; height_m (n,); look: `lake` or `mountain` scenery."""

    name: str
    look: Literal["lake", "mountain"]
    points: Float64Array
    height_m: Float64Array
    stretches: tuple[Stretch, ...] = ()

    @cached_property
    def length_m(self) -> float:
        """Of one lap."""
        return float(np.hypot(*(np.roll(self.points, -1, 0) - self.points).T).sum())

    @property
    def spacing_m(self) -> float:
        """Between two points."""
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
        """The nearest place on the road, near point `near` if that is known."""
        if near is None:
            index = int(np.hypot(self.points[:, 0] - x, self.points[:, 1] - y).argmin())
        else:
            index = self._walk(x, y, near)
        xs, ys, headings = self._plain
        heading = headings[index]
        dx, dy = x - xs[index], y - ys[index]
        along = dx * math.cos(heading) + dy * math.sin(heading)
        offset = -dx * math.sin(heading) + dy * math.cos(heading)
        return Place(index, (index * self.spacing_m + along) % self.length_m, offset, heading)

    def _walk(self, x: float, y: float, near: int) -> int:
        """From point to point while the next is nearer: a car moves by a fraction of one in a step."""
        xs, ys, _ = self._plain

        def away(index: int) -> float:
            return (x - xs[index % len(xs)]) ** 2 + (y - ys[index % len(ys)]) ** 2

        index, here = near, away(near)
        way = 1 if away(near + 1) < here else -1
        while abs(index - near) < SEARCH_POINTS and (there := away(index + way)) < here:
            index, here = index + way, there
        return index % len(xs)

    @cached_property
    def _plain(self) -> tuple[list[float], list[float], list[float]]:
        """x, y and heading of each point as Python's own numbers: one at a time they are quicker than numpy's."""
        return self.points[:, 0].tolist(), self.points[:, 1].tolist(), self.heading_rad.tolist()

    def point_at(self, distance_m: float) -> tuple[float, float]:
        """x, y of the centre line there; distances wrap round the lap."""
        position = distance_m / self.spacing_m
        index = math.floor(position)
        share = position - index
        here, there = self.points[index % len(self.points)], self.points[(index + 1) % len(self.points)]
        return float(here[0] + share * (there[0] - here[0])), float(here[1] + share * (there[1] - here[1]))

    def has(self, kind: Kind, distance_m: float, side: int) -> bool:
        """Whether that stands on this side (1 left, -1 right) of the road there."""
        return any(
            s.kind == kind
            and s.side in (0, side)
            and (distance_m - s.start_m) % self.length_m <= (s.end_m - s.start_m) % self.length_m
            for s in self.stretches
        )

    def reversed(self) -> Track:
        """The same road the other way round, from the same start."""
        length = self.length_m
        stretches = tuple(Stretch(s.kind, -s.end_m % length, -s.start_m % length, -s.side) for s in self.stretches)
        turned = (np.roll(values[::-1], 1, 0) for values in (self.points, self.height_m))
        points, height = turned
        return replace(self, points=points, height_m=height, stretches=stretches)


def open_track(name: str) -> Track:
    """`lake`, `mountain` or `random:SEED`. Raises ValueError with the names there are."""
    kind, _, seed = name.partition(":")
    if name == "lake":
        return lake()
    if name == "mountain":
        return mountain()
    if kind == "random" and seed.isascii() and seed.isdigit() and len(seed) <= 9:
        return random_road(int(seed))
    raise ValueError(f"no track {name!r}; there are lake, mountain and random:SEED, e.g. random:7")


def lake() -> Track:
    """Udacity's first track: long left bends round a lake, a bridge, one right bend."""
    waypoints = np.array([pair.split() for pair in LAKE_WAYPOINTS.split(",")], np.float64)
    points = _evenly(smooth_loop(waypoints))
    points *= LAKE_LENGTH_M / np.hypot(*(np.roll(points, -1, 0) - points).T).sum()
    stretches = (
        Stretch("kerb", 440, 520),
        Stretch("bridge", 668, 752),
        Stretch("kerb", 798, 880),
        Stretch("kerb", 940, 1012),
        Stretch("kerb", 1080, 20, 1),
        Stretch("kerb", 1090, 8, -1),
        Stretch("dirt", 42, 78, -1),
        Stretch("dirt", 884, 912, -1),
    )
    return Track("lake", "lake", points, np.zeros(len(points)), stretches)


def mountain() -> Track:
    """Tight bends over hills that hide the road behind them."""
    turns = ((2, 0.20, 0.3), (3, 0.22, 1.1), (5, 0.10, 2.0), (7, 0.035, 0.5))
    points = _evenly(_star(165.0, turns))
    share = np.arange(len(points)) / len(points) * 2 * np.pi
    height = 6.0 * np.sin(2 * share) + 1.2 * np.sin(7 * share + 1.0) + 0.4 * np.sin(13 * share)
    return Track("mountain", "mountain", points, height - height[0])


def random_road(seed: int) -> Track:
    """Another road for each seed: no bend under 20 m radius, no two parts closer than 45 m; kerbs in the bends."""
    generator = np.random.default_rng(seed)
    while True:
        turns = [
            (k, float(generator.uniform(0, 0.75 / k**1.25)), float(generator.uniform(0, 2 * np.pi)))
            for k in range(2, 7)
        ]
        points = _evenly(_star(float(generator.uniform(110, 170)), turns))
        track = Track(f"random:{seed}", "lake", points, np.zeros(len(points)))
        if np.abs(track.curvature).max() < 1 / 20 and _apart(points) > 45:
            return replace(track, stretches=_kerbs(track))


def smooth_loop(waypoints: Float64Array, fine: int = 64) -> Float64Array:
    """A closed curve through the waypoints (n, 2): periodic cubic spline, `fine` points between two of them."""
    count = len(waypoints)
    system = np.eye(count) * 4 + np.eye(count, k=1) + np.eye(count, k=-1)
    system[0, -1] = system[-1, 0] = 1
    bend = np.linalg.solve(system, 6 * (np.roll(waypoints, 1, 0) - 2 * waypoints + np.roll(waypoints, -1, 0)))
    t = (np.arange(fine) / fine)[None, :, None]
    here, there = waypoints[:, None], np.roll(waypoints, -1, 0)[:, None]
    bend_here, bend_there = bend[:, None], np.roll(bend, -1, 0)[:, None]
    curve = (1 - t) * here + t * there + ((1 - t) ** 3 - (1 - t)) * bend_here / 6 + (t**3 - t) * bend_there / 6
    return np.asarray(curve.reshape(-1, 2))


def _evenly(curve: Float64Array) -> Float64Array:
    """The closed curve again, its points SPACING_M apart (or a little less, so that they come out even)."""
    closed = np.concatenate([curve, curve[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    places = np.linspace(0, along[-1], math.ceil(along[-1] / SPACING_M), endpoint=False)
    return np.stack([np.interp(places, along, closed[:, axis]) for axis in (0, 1)], 1)


def _star(
    radius_m: float, turns: list[tuple[int, float, float]] | tuple[tuple[int, float, float], ...]
) -> Float64Array:
    """A loop that never crosses itself: its radius varies with the angle. turns: (waves, share of radius, phase)."""
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    radius = radius_m * (1 + sum(size * np.cos(waves * angle + phase) for waves, size, phase in turns))
    curve = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return np.asarray(curve - curve[0])


def _apart(points: Float64Array) -> float:
    """Least distance between two places of the road that are more than 120 m of driving apart."""
    few = points[::12]
    gap = np.hypot(*(few[:, None] - few[None]).transpose(2, 0, 1))
    steps = np.abs(np.arange(len(few))[:, None] - np.arange(len(few)))
    steps = np.minimum(steps, len(few) - steps)
    return float(gap[steps * 12 * SPACING_M > 120].min())


def _kerbs(track: Track) -> tuple[Stretch, ...]:
    """Kerbs where the bend is tighter than 45 m."""
    tight = np.abs(track.curvature) > 1 / 45
    starts = np.flatnonzero(tight & ~np.roll(tight, 1)) * track.spacing_m
    ends = np.flatnonzero(tight & ~np.roll(tight, -1)) * track.spacing_m
    lengths = [float(((ends - start) % track.length_m).min()) for start in starts]
    return tuple(Stretch("kerb", float(a), float(a) + length) for a, length in zip(starts, lengths, strict=True))
