"""The land round a road: it has a height and a colour at any place, water in its hollows and trees on its hills."""

from __future__ import annotations

import numpy as np

from protocol.arrays import Float64Array
from simulator.render.mesh import Quads
from simulator.render.palette import Look
from simulator.render.textures import BRIGHT
from simulator.world.track import Track

CELL_M = 16.0
MARGIN_M = 200.0
BESIDE_ROAD_M = 12.0
"""Nearer to the road than this, the road's own ribbons are the ground, and the land's mesh stays below them."""

WATER_M = -1.0
TREES = 900
BUSHES = 260
SUN = np.array([-0.30, -0.80, 0.52]) / np.linalg.norm([-0.30, -0.80, 0.52])


class Ground:
    """Height, colour and plants of the land, from waves whose directions and phases the generator draws."""

    def __init__(self, track: Track, look: Look, generator: np.random.Generator) -> None:
        self._track = track
        self._look = look
        self._road = track.points[::8]
        self._road_height = track.height_m[::8]
        heading = track.heading_rad[::8]
        self._left = np.stack([-np.sin(heading), np.cos(heading)], 1)
        waves = 14
        length = 2 * np.pi / np.geomspace(28, 260, waves)
        angle = generator.uniform(0, 2 * np.pi, waves)
        self._waves = np.stack([np.cos(angle), np.sin(angle)], 1) * length[:, None]
        self._phases = generator.uniform(0, 2 * np.pi, waves)
        self._sizes = (1 / length) ** 0.8
        self._sizes /= np.sqrt((self._sizes**2).sum() / 2)

    def _noise(self, places: Float64Array) -> Float64Array:
        return np.asarray(np.sin(places @ self._waves.T + self._phases) @ self._sizes)

    def beside(self, places: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Distance of places (n, 2) from the road, positive on its left, and the road's height there: (n,) each."""
        offset, height = np.empty(len(places)), np.empty(len(places))
        for start in range(0, len(places), 4096):
            gap = places[start : start + 4096, None] - self._road
            distance = np.hypot(gap[..., 0], gap[..., 1])
            nearest = distance.argmin(1)
            rows = np.arange(len(nearest))
            left = (gap[rows, nearest] * self._left[nearest]).sum(1) > 0
            offset[start : start + 4096] = np.where(left, 1, -1) * distance[rows, nearest]
            height[start : start + 4096] = self._road_height[nearest]
        return offset, height

    def height(self, places: Float64Array) -> Float64Array:
        """Height of the land at (n, 2): (n,). It is level beside the road, hilly outside it, and hollow inside it."""
        offset, road = self.beside(places)
        distance = np.abs(offset)
        rise = _smooth((distance - 7.0) / 50.0)
        hills = 9.0 + 9.0 * self._noise(places) + 16.0 * _smooth((distance - 40) / 120)
        hills = np.maximum(hills, 0.8)
        lake = -5.0 + 5.0 * self._noise(places)
        inside = _smooth((offset - 5.0) / 30.0)
        return np.asarray(road * (1 - rise) + rise * ((1 - inside) * hills + inside * lake))

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
        return np.asarray(np.where(light < 1, np.array(look.rock_shade) * (1 - light) + color * light, color * light))

    def quads(self) -> Quads:
        """The mesh of the land."""
        low, high = self._road.min(0) - MARGIN_M, self._road.max(0) + MARGIN_M
        xs, ys = (np.arange(a, b, CELL_M) for a, b in zip(low, high, strict=True))
        x, y = np.meshgrid(xs, ys)
        places = np.column_stack([x.ravel(), y.ravel()])
        offset, road = self.beside(places)
        height = self.height(places)
        color = self.color(places, height) * 255 / BRIGHT
        height = np.where(np.abs(offset) < BESIDE_ROAD_M + 2, np.minimum(height, road) - 1.6, height)
        corners = np.column_stack([places, height]).reshape(len(ys), len(xs), 3)
        shades = color.reshape(len(ys), len(xs), 3)
        position, shade = _cells(corners), _cells(shades)
        return Quads(position, shade, position[..., :2] / 16)

    def water(self) -> Quads:
        """One level sheet of water, at least 1 m below the road."""
        low, high = self._road.min(0) - 600, self._road.max(0) + 600
        xs, ys = np.linspace(low[0], high[0], 4), np.linspace(low[1], high[1], 4)
        x, y = np.meshgrid(xs, ys)
        level = WATER_M + float(min(0.0, self._road_height.min()))
        position = _cells(np.stack([x, y, np.full_like(x, level)], 2))
        return Quads(
            position,
            np.broadcast_to(np.array(self._look.water, np.float64), position.shape),
            np.zeros((*position.shape[:2], 2)),
        )

    def plants(self, generator: np.random.Generator) -> dict[str, list[Quads]]:
        """Trees and bushes, three sorts of each; a plant is two crossed upright cards."""
        return {
            "tree": [self._grove(generator, TREES // 3, (7.0, 13.0), 0.5, 14.0) for _ in range(3)],
            "bush": [self._grove(generator, BUSHES // 3, (0.9, 2.2), 1.6, 8.2) for _ in range(3)],
        }

    def _grove(
        self, generator: np.random.Generator, count: int, tall: tuple[float, float], wide: float, clear_m: float
    ) -> Quads:
        """Place plants on land, denser near the road but at least `clear_m` from it."""
        nearest = generator.integers(0, len(self._road), 3 * count)
        offsets = (clear_m + generator.gamma(1.7, 36.0, 3 * count)) * generator.choice([1, -1], 3 * count)
        places = self._road[nearest] + self._left[nearest] * offsets[:, None]
        offset, road = self.beside(places)
        height = self.height(places)
        grows = (np.abs(offset) >= clear_m) & (height > WATER_M + 0.3 + np.minimum(road, 0))
        places, height = places[grows][:count], height[grows][:count]
        size = generator.uniform(*tall, len(places))
        turn = generator.uniform(0, np.pi, len(places))
        far = _smooth((np.abs(offset[grows][:count]) - 15) / 90)
        light = self._look.plant_light * generator.uniform(0.7, 1.0, len(places)) * (1 + 0.35 * far)
        return _cards(places, height - 0.2, size, wide, turn, light)


def _cards(
    places: Float64Array, height: Float64Array, size: Float64Array, wide: float, turn: Float64Array, light: Float64Array
) -> Quads:
    positions = []
    for angle in (turn, turn + np.pi / 2):
        half = np.stack([np.cos(angle), np.sin(angle)], 1) * (size * wide / 2)[:, None]
        low = [np.column_stack([places + sign * half, height]) for sign in (-1, 1)]
        top = [np.column_stack([places + sign * half, height + size]) for sign in (1, -1)]
        positions.append(np.stack([*low, *top], 1))
    position = np.concatenate(positions)
    color = np.repeat(np.tile(210 * light, 2)[:, None, None], 4, 1) * np.ones(3)
    texture = np.broadcast_to(np.array([(0.0, 0.02), (1, 0.02), (1, 0.99), (0, 0.99)]), (len(position), 4, 2))
    return Quads(position, color, texture)


def _cells(grid: Float64Array) -> Float64Array:
    """Corner values (rows, columns, k) -> (cells, 4, k)."""
    corners = (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1])
    return np.stack([c.reshape(-1, grid.shape[-1]) for c in corners], 1)


def _smooth(share: Float64Array) -> Float64Array:
    share = share.clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share))
