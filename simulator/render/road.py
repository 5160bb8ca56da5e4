"""The road's ribbons along its profile: asphalt, lines, red and white stripes, kerbs, dirt, bridges and verges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from simulator.render import textures
from simulator.render.ground import SUN, Ground
from simulator.render.mesh import Quads, join, strip
from simulator.render.palette import Look
from simulator.roads.profile import Side, Surface
from simulator.world.track import Track

Mask = npt.NDArray[np.bool_]
Distance = float | Float64Array

STEP_POINTS = 5
LINE_M, GUTTER_M, OUTER_LINE_M = -0.34, -0.24, 0.18
"""Where the edge line, the dark gutter and the line outside it begin, from the carriageway's end outwards."""

LINE_WIDTH_M, SINGLE_LINE_M = 0.1, 0.16
STRIPES = 4
STRIPE_COLORS = ((208.0, 78, 68), (232.0, 218, 200))
"""The stripes on one piece of the road, and their two colours."""

KERB_RISE_M, WALL_RISE_M = 0.35, 0.73
VERGE_M = 13.0
WALLS_FROM_M, WALLS_TO_M = 7.2, 8.4


class Road:
    """The ribbons of the road, with a corner at every STEP_POINTS-th point of the centre line."""

    def __init__(self, track: Track, look: Look) -> None:
        self._look = look
        self._points = track.points[::STEP_POINTS]
        self._height = track.height_m[::STEP_POINTS]
        heading = track.heading_rad[::STEP_POINTS]
        self._left = np.stack([-np.sin(heading), np.cos(heading)], 1)
        self._along: Float64Array = np.arange(len(self._points), dtype=np.float64) * (STEP_POINTS * track.spacing_m)
        self._edges = {1: _Edge(track.shape.left), -1: _Edge(track.shape.right)}

    def _line(self, offset_m: Distance, rise_m: Distance = 0.0) -> Float64Array:
        """The points (n, 3) of a line that is offset_m to the left of the centre line."""
        aside = self._left * np.broadcast_to(offset_m, len(self._points))[:, None]
        return np.column_stack([self._points + aside, self._height + rise_m])

    def _band(
        self, side: int, inner_m: Distance, outer_m: Distance, color: Float64Array, rise: tuple[float, float] = (0, 0)
    ) -> Quads:
        """Build a ribbon along one side; its texture repeats every 8 m."""
        a, b = self._line(side * inner_m, rise[0]), self._line(side * outer_m, rise[1])
        return strip(a, b, color, color, (float(np.mean(inner_m)) / 8, float(np.mean(outer_m)) / 8), self._along / 8)

    def asphalt(self) -> Quads:
        """The carriageway between its lines, and the shoulders. It is halved, so that dashes lie on it in any bend."""
        color = np.broadcast_to(np.array(self._look.asphalt) * 255 / textures.BRIGHT, (len(self._points), 3))
        parts = []
        for side, edge in self._edges.items():
            across = (0.0, side * float(np.mean(edge.road_m)) / 5)
            half = strip(self._line(0.0), self._line(side * edge.inner_m), color, color, across, self._along / 5)
            from_m = edge.road_m + OUTER_LINE_M + LINE_WIDTH_M
            shoulder = self._band(side, from_m, edge.strip_m, color * self._look.shoulder)
            outside_line = self._band(side, edge.inner_m + SINGLE_LINE_M, edge.road_m, color)
            parts += [
                _select(half, ~edge.on("wall")),
                _select(shoulder, edge.on("shoulder")),
                _select(outside_line, edge.on("grass")),
            ]
        return join(parts)

    def lines(self) -> Quads:
        """The edge lines with their dark gutters, and the dashes that a look has in the middle."""
        look, parts = self._look, []
        line, gutter = np.array(look.line), np.array(look.gutter)
        for side, edge in self._edges.items():
            shoulder, striped = edge.on("shoulder"), edge.on("stripes")
            road_m = edge.road_m
            for inner_m, outer_m, color, mask in (
                (LINE_M, GUTTER_M, line, shoulder | striped),
                (GUTTER_M, OUTER_LINE_M, gutter, shoulder),
                (GUTTER_M, 0.0, gutter, striped),
                (OUTER_LINE_M, OUTER_LINE_M + LINE_WIDTH_M, line, shoulder),
                (LINE_M, LINE_M + SINGLE_LINE_M, line, edge.on("grass")),
            ):
                parts.append(_select(self._band(side, road_m + inner_m, road_m + outer_m, color), mask))
        if look.dashed:
            dash = (self._along // 5).astype(int) % 2 == 0
            dashes = strip(self._line(0.1, 0.012), self._line(-0.1, 0.012), line, line, (0, 1), self._along)
            parts.append(_select(dashes, dash))
        return join(parts)

    def edges(self) -> Quads:
        """What lies beside the carriageway: raised kerbs, sunlit or shaded, red and white stripes, and dirt."""
        parts = []
        for side, edge in self._edges.items():
            color = _lit(self._look.slab_light, self._look.slab_shade, self._facing(side))
            kerb, dirt = edge.kerb_m > edge.strip_m, np.array(self._look.dirt)
            parts.append(_select(self._band(side, edge.strip_m, edge.kerb_m, color, (0, KERB_RISE_M)), kerb))
            parts.append(_select(self._band(side, edge.road_m, edge.strip_m, dirt), edge.on("dirt")))
            parts += self._stripes(side, edge)
        return join(parts)

    def _facing(self, side: int) -> Float64Array:
        """How far a slab that leans towards the road looks at the sun, -1..1: (n,)."""
        return np.asarray(-side * (self._left @ SUN[:2]))

    def _stripes(self, side: int, edge: _Edge) -> list[Quads]:
        """Red and white stripes, finer than the ribbons: each piece of the road has STRIPES of them."""
        near, far = self._line(side * edge.road_m), self._line(side * edge.strip_m)
        near_step, far_step = (np.roll(line, -1, 0) - line for line in (near, far))
        shade = _lit((1.1,) * 3, (0.9,) * 3, self._facing(side))
        parts = []
        for number in range(STRIPES):
            a, b = number / STRIPES, (number + 1) / STRIPES
            corners = [near + a * near_step, far + a * far_step, far + b * far_step, near + b * near_step]
            position = np.stack(corners, 1)
            color = np.array(STRIPE_COLORS[number % 2]) * shade
            parts.append(
                _select(Quads(position, np.repeat(color[:, None], 4, 1), position[..., :2]), edge.on("stripes"))
            )
        return parts

    def bridge(self) -> Quads | None:
        """The bridge's cobbles and dark walls; None for a road without a bridge."""
        left, right = self._edges[1], self._edges[-1]
        on_bridge = left.on("wall")
        if not on_bridge.any():
            return None
        color = np.array([168.0, 154, 134]) * 255 / textures.BRIGHT
        deck = strip(self._line(left.road_m), self._line(-right.road_m), color, color, (0, 4), self._along / 3)
        dark = np.array([14.0, 14, 16])
        parts = [_select(deck, on_bridge)]
        for side, edge in self._edges.items():
            face = self._band(side, edge.road_m, edge.road_m, dark, (0, WALL_RISE_M))
            top = self._band(side, edge.road_m, edge.strip_m, dark, (WALL_RISE_M, WALL_RISE_M))
            parts += [_select(face, on_bridge), _select(top, on_bridge)]
        return join(parts)

    def verges(self, ground: Ground) -> Quads:
        """The verges, from the kerbs out to the hills; where another part of the road is near, they end half-way."""
        parts = []
        scale = 255 / textures.BRIGHT
        for side, edge in self._edges.items():
            inner_m = np.where(edge.on("grass"), edge.road_m, edge.kerb_m)
            outer_m = ground.room(self._points, side * self._left, inner_m, VERGE_M)
            rise_m = np.where(edge.kerb_m > edge.strip_m, KERB_RISE_M, 0.0)
            inner, middle, outer = (
                self._line(side * inner_m, rise_m),
                *(self._line(side * distance_m) for distance_m in ((inner_m + outer_m) / 2, outer_m)),
            )
            outer[:, 2] = ground.height(outer[:, :2])
            middle[:, 2] = ground.height(middle[:, :2])
            sand, grass = (ground.color(line[:, :2], line[:, 2]) for line in (middle, outer))
            near = np.where(edge.on("dirt")[:, None], np.array(self._look.dirt), sand)
            for a, b, ca, cb, across in (
                (inner, middle, near, sand, (0.8, 1.1)),
                (middle, outer, sand, grass, (1.1, 1.6)),
            ):
                verge = strip(a, b, ca * scale, cb * scale, across, self._along / 8)
                parts.append(_select(verge, ~edge.on("wall") & (outer_m > inner_m)))
        return join(parts)

    def walls(self) -> Quads | None:
        """The rock faces beside a mountain road, on the sides where the hills are; None for another road."""
        if not self._look.walls:
            return None
        generator = np.random.default_rng(5)
        parts = []
        for side in (1, -1):
            high = np.maximum(0.0, 9 * np.sin(self._along / 90 * side + 1)) + 0.8 * generator.standard_normal(
                len(self._along)
            )
            grain = 1 + 0.1 * generator.standard_normal((len(self._along), 1))
            color = np.array(self._look.rock) * 255 / textures.BRIGHT * grain
            a, b = self._line(side * WALLS_FROM_M), self._line(side * WALLS_TO_M, high)
            parts.append(_select(strip(a, b, color, color * 1.1, (0, 1), self._along / 8), high > 1.5))
        return join(parts)


class _Edge:
    """One side's profile at the ribbons' corners. inner_m: where the carriageway's plain asphalt ends."""

    def __init__(self, side: Side) -> None:
        self.road_m, self.strip_m, self.kerb_m = (
            width_m[::STEP_POINTS] for width_m in (side.road_m, side.strip_m, side.kerb_m)
        )
        self._strip = side.strip[::STEP_POINTS]
        self.inner_m = np.where(self.on("dirt"), self.road_m, self.road_m + LINE_M)

    def on(self, surface: Surface) -> Mask:
        """Where the strip beside the carriageway is this: bool (n,)."""
        return np.asarray(self._strip == surface)


def _lit(light: tuple[float, ...], shade: tuple[float, ...], facing: Float64Array) -> Float64Array:
    share = (0.5 + 0.9 * facing).clip(0, 1)[:, None]
    return np.asarray(np.array(light) * share + np.array(shade) * (1 - share))


def _select(quads: Quads, mask: Mask) -> Quads:
    return Quads(quads.position[mask], quads.color[mask], quads.texture[mask])
