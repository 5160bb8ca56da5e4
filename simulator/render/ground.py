"""The land round a road: it has a height and a colour at any place, water in its hollows and trees on its hills."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from simulator.render.mesh import Quads
from simulator.render.palette import Look
from simulator.render.plants import Sort, cards, hazy
from simulator.render.textures import BRIGHT
from simulator.roads.profile import LAND_AT_M
from simulator.world.track import Track

CELL_M, FINE_CELL_M = 16.0, 8.0
"""Size of the mesh's cells, and of those between steep hills."""

MARGIN_M = 200.0
BESIDE_ROAD_M = 12.0
"""Nearer to the road than this, the road's own ribbons are the ground, and the land's mesh stays below them."""

SINK_M, BANK_SLOPE = 1.6, 2.0
"""So far the land's mesh lies below each near part of the road, and so steeply it may rise from there."""

SURVEYED_M = LAND_AT_M[-1]
MOST_HAZE, HAZE_FROM_M, HAZE_OVER_M = 0.7, 20.0, 200.0
"""Share of the haze far away, and from where on and over which distance it grows to that."""

AT_ONCE = 1024
"""So many places are compared with the whole road at a time: their distances stay in the processor's cache."""

SUN = np.array([-0.30, -0.80, 0.52]) / np.linalg.norm([-0.30, -0.80, 0.52])


class Ground:
    """Height, colour and plants of the land, from waves whose directions and phases the generator draws."""

    def __init__(self, track: Track, look: Look, generator: np.random.Generator) -> None:
        self._look = look
        self._water_m = track.shape.water_m
        self._road = track.points[::8]
        self._road_height = track.height_m[::8]
        heading = track.heading_rad[::8]
        self._left = np.stack([-np.sin(heading), np.cos(heading)], 1)
        sides = (track.shape.right.land_m, track.shape.left.land_m)
        self._land = None if sides[0] is None or sides[1] is None else np.hstack([sides[0][::8, ::-1], sides[1][::8]])
        self._hollow = self._water_m > self._road_height.min() - 10
        self._low, self._high = self._road.min(0) - MARGIN_M, self._road.max(0) + MARGIN_M
        self._cell_m = CELL_M if self._hollow else FINE_CELL_M
        waves = 14
        length = 2 * np.pi / np.geomspace(28, 260, waves)
        angle = generator.uniform(0, 2 * np.pi, waves)
        self._waves = np.stack([np.cos(angle), np.sin(angle)], 1) * length[:, None]
        self._phases = generator.uniform(0, 2 * np.pi, waves)
        self._sizes = (1 / length) ** 0.8
        self._sizes /= np.sqrt((self._sizes**2).sum() / 2)

    def _noise(self, places: Float64Array) -> Float64Array:
        return np.asarray(np.sin(places @ self._waves.T + self._phases) @ self._sizes)

    def _nearest(self, places: Float64Array) -> tuple[npt.NDArray[np.intp], Float64Array]:
        """Index of the road's point nearest to each of the places (n, 2), and the distance, positive on its left."""
        index = np.empty(len(places), np.intp)
        for start in range(0, len(places), AT_ONCE):
            index[start : start + AT_ONCE] = _squared(places[start : start + AT_ONCE], self._road).argmin(1)
        gap = places - self._road[index]
        left = (gap * self._left[index]).sum(1) > 0
        return index, np.where(left, 1, -1) * np.hypot(gap[:, 0], gap[:, 1])

    def room(self, points: Float64Array, direction: Float64Array, least_m: Float64Array, most_m: float) -> Float64Array:
        """How far from the road's middle its verge may reach until another part of the road is nearer: (n,).

        points: (n, 2), on the road; direction: (n, 2), unit vectors away from it; least_m: (n,).
        """
        room_m = np.full(len(points), most_m)
        for reach_m in np.arange(most_m, least_m.min(), -0.5):
            _, offset = self._nearest(points + reach_m * direction)
            room_m[np.abs(offset) < reach_m - 0.5] = reach_m - 0.5
        return np.maximum(room_m, least_m)

    def height(self, places: Float64Array) -> Float64Array:
        """Height of the land at (n, 2): (n,), as surveyed. Farther away it is hilly outside and hollow inside the road.

        Where nobody surveyed the land, it is level beside the road.
        """
        index, offset = self._nearest(places)
        distance = np.abs(offset)
        hills = 9.0 + 9.0 * self._noise(places) + 16.0 * _smooth((distance - 40) / 120)
        hills = np.maximum(hills, 0.8)
        if self._hollow:
            inside = _smooth((offset - 5.0) / 30.0)
            far = (1 - inside) * hills + inside * (-5.0 + 5.0 * self._noise(places))
        else:
            far = self._road_height.mean() + hills
        if self._land is None:
            near, rise = self._road_height[index], _smooth((distance - 7.0) / 50.0)
        else:
            near, rise = self._surveyed(index, offset), _smooth((distance - SURVEYED_M) / 60.0)
        return np.asarray(near * (1 - rise) + rise * far)

    def _surveyed(self, index: npt.NDArray[np.intp], offset: Float64Array) -> Float64Array:
        """Height of the land beside the points `index`, between the surveyed distances: (n,)."""
        assert self._land is not None
        places = np.array([*(-at_m for at_m in reversed(LAND_AT_M)), *LAND_AT_M])
        after = np.searchsorted(places, offset).clip(1, len(places) - 1)
        share = ((offset - places[after - 1]) / (places[after] - places[after - 1])).clip(0, 1)
        return np.asarray(self._land[index, after - 1] * (1 - share) + self._land[index, after] * share)

    def color(self, places: Float64Array, height: Float64Array) -> Float64Array:
        """Sunlit RGB of the land at (n, 2): (n, 3), 0..255. Sand lies in patches on grass; steep slopes are rock."""
        patch = _smooth(0.5 + 0.45 * self._noise(places[:, ::-1] * 1.7))[:, None]
        look = self._look
        color = np.array(look.grass) * (1 - patch) + np.array(look.sand) * patch
        step = 4.0
        slope = np.stack([self.height(places + d) - self.height(places - d) for d in ((step, 0), (0, step))], 1) / (
            2 * step
        )
        normal = np.column_stack([-slope, np.ones(len(places))])
        normal /= np.linalg.norm(normal, axis=1)[:, None]
        steep = _smooth((np.hypot(*slope.T) - 0.28) / 0.3)[:, None]
        color = color * (1 - steep) + np.array(look.rock) * steep
        light = (0.55 + 0.9 * (normal @ SUN)).clip(0.0, 1.15)[:, None]
        lit = np.where(light < 1, np.array(look.rock_shade) * (1 - light) + color * light, color * light)
        haze = self._haze(self._nearest(places)[1])[:, None]
        return np.asarray(lit * (1 - haze) + np.array(look.haze) * haze)

    def quads(self) -> Quads:
        """The mesh of the land."""
        xs, ys = (np.arange(a, b, self._cell_m) for a, b in zip(self._low, self._high, strict=True))
        x, y = np.meshgrid(xs, ys)
        places = np.column_stack([x.ravel(), y.ravel()])
        height = self.height(places)
        color = self.color(places, height) * 255 / BRIGHT
        height = self._sunk(places, height)
        corners = np.column_stack([places, height]).reshape(len(ys), len(xs), 3)
        shades = color.reshape(len(ys), len(xs), 3)
        position, shade = _cells(corners), _cells(shades)
        return Quads(position, shade, position[..., :2] / 16)

    def _sunk(self, places: Float64Array, height: Float64Array) -> Float64Array:
        """Lower the heights (n,) of the mesh at (n, 2), so that it covers no part of the road and of its verges."""
        sunk = np.empty(len(places))
        for start in range(0, len(places), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            beyond = np.sqrt(_squared(places[part], self._road)) - BESIDE_ROAD_M - 2.0
            highest = (self._road_height - SINK_M + BANK_SLOPE * np.maximum(0.0, beyond)).min(1)
            sunk[part] = np.minimum(height[part] - np.where(beyond.min(1) < 0, SINK_M, 0.0), highest)
        return sunk

    def water(self) -> Quads:
        """One level sheet of water."""
        low, high = self._road.min(0) - 600, self._road.max(0) + 600
        xs, ys = np.linspace(low[0], high[0], 4), np.linspace(low[1], high[1], 4)
        x, y = np.meshgrid(xs, ys)
        position = _cells(np.stack([x, y, np.full_like(x, self._water_m)], 2))
        return Quads(
            position,
            np.broadcast_to(np.array(self._look.water, np.float64), position.shape),
            np.zeros((*position.shape[:2], 2)),
        )

    def grow(self, sort: Sort, generator: np.random.Generator) -> Quads:
        """Let plants of a sort grow on the land, denser near the road."""
        nearest = generator.integers(0, len(self._road), 3 * sort.count)
        aside = sort.clear_m + generator.gamma(1.7, sort.spread_m, 3 * sort.count)
        offsets = aside * generator.choice([1, -1], 3 * sort.count)
        places = self._road[nearest] + self._left[nearest] * offsets[:, None]
        _, offset = self._nearest(places)
        height = np.where(np.abs(offset) < BESIDE_ROAD_M + 2, self.height(places), self._mesh_height(places))
        grows = (np.abs(offset) >= sort.clear_m) & (height > self._water_m + 0.3)
        grows &= ((places > self._low) & (places < self._high - self._cell_m)).all(1)
        places, height, offset = (values[grows][: sort.count] for values in (places, height, offset))
        size = generator.uniform(*sort.tall_m, len(places))
        turn = generator.uniform(0, np.pi, len(places))
        light = self._look.plant_light * generator.uniform(0.7, 1.0, len(places))
        color = hazy(light, self._look.haze, self._haze(offset))
        return cards(places, height - 0.2, size, sort.wide, turn, color)

    def _mesh_height(self, places: Float64Array) -> Float64Array:
        """Height of the land's mesh at (n, 2), which is level with the land at the cells' corners alone: (n,)."""
        cell, share = np.divmod((places - self._low) / self._cell_m, 1.0)
        height = np.zeros(len(places))
        for corner in ((0, 0), (1, 0), (0, 1), (1, 1)):
            at = self._low + (cell + corner) * self._cell_m
            weight = np.where(corner, share, 1 - share).prod(1)
            height += weight * self._sunk(at, self.height(at))
        return height

    def _haze(self, offset: Float64Array) -> Float64Array:
        """Share of the haze in the colour of what is so far from the road (n,), as seen from there: (n,)."""
        return np.asarray(MOST_HAZE * _smooth((np.abs(offset) - HAZE_FROM_M) / HAZE_OVER_M))


def _squared(places: Float64Array, points: Float64Array) -> Float64Array:
    """Squares of the distances between (n, 2) and (m, 2), in square metres: (n, m). np.hypot takes six times longer."""
    x = places[:, 0, None] - points[:, 0]
    y = places[:, 1, None] - points[:, 1]
    x *= x
    y *= y
    x += y
    return x


def _cells(grid: Float64Array) -> Float64Array:
    """Corner values (rows, columns, k) -> (cells, 4, k)."""
    corners = (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1])
    return np.stack([c.reshape(-1, grid.shape[-1]) for c in corners], 1)


def _smooth(share: Float64Array) -> Float64Array:
    share = share.clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share))
