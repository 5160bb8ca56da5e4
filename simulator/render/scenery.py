"""Build a track's scenery: road, edge lines, kerbs, bridge, verges, hills, water, trees and sky.

Colours, widths and the sun's side were taken from real frames by eye and by their medians. Everything else is noise
from a generator that the track's name seeds, so that a track looks the same on every machine.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import numpy.typing as npt
from panda3d.core import NodePath

from protocol.arrays import Float64Array
from simulator.render import textures
from simulator.render.ground import Ground
from simulator.render.mesh import Quads, attach, join, strip, texture_of
from simulator.render.palette import LOOKS, Look
from simulator.world.track import Track

LINE_M, LINE_WIDTH_M = 3.45, 0.14
"""Distance of the yellow edge line from the centre line, and its width."""

GUTTER_M, SHOULDER_M, SLAB_M, VERGE_M = 4.05, 4.75, 6.9, 13.0
"""Outer edges of the dark gutter, the asphalt, the concrete slab beside it, and the verge; from the centre line."""

STEP_POINTS = 5
KERB_M = 5.3
KERB_STRIPES = 4
KERB_COLORS = ((208.0, 78, 68), (232.0, 218, 200))
"""Outer edge of a kerb, the number of its stripes on one piece of the road, and their two colours."""

SUN = np.array([-0.30, -0.80, 0.52])


def build_scenery(track: Track, root: NodePath) -> NodePath:
    """Attach the whole scenery under `root`; returns the sky, which must follow the camera."""
    generator = np.random.default_rng(zlib.crc32(track.name.encode()))
    look = LOOKS[track.look]
    ground = Ground(track, look, generator)
    road = Road(track, look)
    maps = {name: texture_of(name, make(generator)) for name, make in _GROUND_TEXTURES.items()}
    attach(root, "asphalt", road.asphalt(), maps["asphalt"])
    if bridge := road.bridge():
        attach(root, "bridge", bridge, maps["cobbles"])
    attach(root, "edges", road.edges(), None)
    attach(root, "slabs", road.slabs(), None)
    attach(root, "verges", road.verges(ground), maps["speckle"])
    attach(root, "hills", ground.quads(), maps["rock"])
    attach(root, "water", ground.water(), None)
    plants = ground.plants(generator)
    for name, make in (("tree", textures.tree), ("bush", textures.bush)):
        for number in range(3):
            part = plants[name][number]
            attach(root, name, part, texture_of(name, make(generator), smooth=False), cut_out=True)
    if walls := road.walls(ground):
        attach(root, "walls", walls, maps["rock"])
    return _sky(root, look)


_GROUND_TEXTURES = {
    "asphalt": textures.asphalt,
    "cobbles": textures.cobbles,
    "speckle": textures.speckle,
    "rock": textures.rock,
}


class Road:
    """The ribbons of the road, with a corner at every STEP_POINTS-th point of the centre line."""

    def __init__(self, track: Track, look: Look) -> None:
        self._track = track
        self._look = look
        self._points = track.points[::STEP_POINTS]
        self._height = track.height_m[::STEP_POINTS]
        heading = track.heading_rad[::STEP_POINTS]
        self._left = np.stack([-np.sin(heading), np.cos(heading)], 1)
        self._along: Float64Array = np.arange(len(self._points), dtype=np.float64) * (STEP_POINTS * track.spacing_m)
        self._flags = {
            (kind, side): np.array([track.has(kind, d, side) for d in self._along])
            for kind in ("kerb", "bridge", "dirt")
            for side in (1, -1)
        }

    def line(self, offset_m: float, rise_m: float | Float64Array = 0.0) -> Float64Array:
        """The points (n, 3) of a line that is offset_m to the left of the centre line."""
        return np.column_stack([self._points + self._left * offset_m, self._height + rise_m])

    def band(
        self, side: int, inner_m: float, outer_m: float, color: Float64Array, rise: tuple[float, float] = (0, 0)
    ) -> Quads:
        """Build a ribbon along one side; its texture repeats every 8 m."""
        a, b = self.line(side * inner_m, rise[0]), self.line(side * outer_m, rise[1])
        return strip(a, b, color, color, (inner_m / 8, outer_m / 8), self._along / 8)

    def asphalt(self) -> Quads:
        """The asphalt between the edge lines, and the shoulders."""
        plain = ~self._flags["bridge", 1]
        color = np.broadcast_to(np.array(self._look.asphalt) * 255 / textures.BRIGHT, (len(plain), 3))
        middle = strip(self.line(LINE_M), self.line(-LINE_M), color, color, (0, 2 * LINE_M / 5), self._along / 5)
        sides = [
            _select(
                self.band(side, GUTTER_M, SHOULDER_M, color * self._look.shoulder),
                plain & ~self._dirt(side) & ~self._flags["kerb", side],
            )
            for side in (1, -1)
        ]
        return join([_select(middle, plain), *sides])

    def _dirt(self, side: int) -> npt.NDArray[np.bool_]:
        return self._flags["dirt", side]

    def bridge(self) -> Quads | None:
        """The bridge's cobbles and dark walls; None for a road without a bridge."""
        on_bridge = self._flags["bridge", 1]
        if not on_bridge.any():
            return None
        color = np.array([186.0, 164, 142]) * 255 / textures.BRIGHT
        deck = strip(self.line(6.0, 0.01), self.line(-6.0, 0.01), color, color, (0, 4), self._along / 3)
        dark = np.array([14.0, 14, 16])
        parts = [_select(deck, on_bridge)]
        for side in (1, -1):
            parts.append(_select(self.band(side, 5.8, 5.8, dark, (0, 0.9)), on_bridge))
            parts.append(_select(self.band(side, 5.8, 6.4, dark, (0.9, 0.9)), on_bridge))
        return join(parts)

    def edges(self) -> Quads:
        """Yellow lines and dark gutters, or dirt where the road has a dirt verge; a mountain road has middle dashes."""
        look, plain, parts = self._look, ~self._flags["bridge", 1], []
        for side in (1, -1):
            lined = plain & ~self._dirt(side)
            parts.append(_select(self.band(side, LINE_M, LINE_M + LINE_WIDTH_M, np.array(look.line)), lined))
            parts.append(_select(self.band(side, LINE_M + LINE_WIDTH_M, GUTTER_M, np.array(look.gutter)), lined))
            parts.append(_select(self.band(side, LINE_M, SHOULDER_M, np.array(look.dirt)), plain & self._dirt(side)))
        if look.dashed:
            dash = (self._along // 5).astype(int) % 2 == 0
            color = np.array(look.line)
            parts.append(
                _select(strip(self.line(0.1, 0.012), self.line(-0.1, 0.012), color, color, (0, 1), self._along), dash)
            )
        return join(parts)

    def slabs(self) -> Quads:
        """Concrete slabs beside the asphalt, sunlit or shaded, and red and white kerbs."""
        parts = []
        plain = ~self._flags["bridge", 1]
        for side in (1, -1):
            facing = -side * (self._left @ SUN[:2])  # the slab leans towards the road
            color = _lit(self._look.slab_light, self._look.slab_shade, facing)
            kerb, dirt = self._flags["kerb", side], self._dirt(side)
            parts.append(_select(self.band(side, SHOULDER_M, SLAB_M, color, (0, 0.3)), plain & ~kerb & ~dirt))
            parts.append(_select(self.band(side, KERB_M, SLAB_M, color, (0.12, 0.3)), plain & kerb))
            parts.append(
                _select(self.band(side, SHOULDER_M, SLAB_M, np.array(self._look.dirt), (0, 0.1)), plain & dirt)
            )
        return join([*parts, *self._kerbs()])

    def _kerbs(self) -> list[Quads]:
        """Red and white stripes, finer than the ribbons: each piece of the road has KERB_STRIPES of them."""
        parts = []
        for side in (1, -1):
            near, far = self.line(side * GUTTER_M, 0.005), self.line(side * KERB_M, 0.12)
            ahead = np.roll(near, -1, 0), np.roll(far, -1, 0)
            shade = _lit((1.1,) * 3, (0.9,) * 3, -side * (self._left @ SUN[:2]))
            on_kerb = self._flags["kerb", side] & ~self._flags["bridge", 1]
            for number in range(KERB_STRIPES):
                a, b = number / KERB_STRIPES, (number + 1) / KERB_STRIPES
                corners = [
                    line + share * (next_line - line)
                    for share, line, next_line in (
                        (a, near, ahead[0]),
                        (a, far, ahead[1]),
                        (b, far, ahead[1]),
                        (b, near, ahead[0]),
                    )
                ]
                position = np.stack(corners, 1)
                color = np.array(KERB_COLORS[number % 2]) * shade
                parts.append(_select(Quads(position, np.repeat(color[:, None], 4, 1), position[..., :2]), on_kerb))
        return parts

    def verges(self, ground: Ground) -> Quads:
        """The verges, from the slabs out to the hills."""
        parts = []
        plain = ~self._flags["bridge", 1]
        for side in (1, -1):
            outer = self.line(side * VERGE_M)
            outer[:, 2] = ground.height(outer[:, :2])
            middle = self.line(side * 9.0)
            middle[:, 2] = 0.6 * ground.height(middle[:, :2]) + 0.4 * self._height
            inner = self.line(side * SLAB_M, np.where(self._dirt(side), 0.1, 0.3))
            sand, grass = (ground.color(line[:, :2], line[:, 2]) for line in (middle, outer))
            edge = np.where(self._dirt(side)[:, None], np.array(self._look.dirt), sand)
            scale = 255 / textures.BRIGHT
            for a, b, ca, cb, across in (
                (inner, middle, edge, sand, (0.8, 1.1)),
                (middle, outer, sand, grass, (1.1, 1.6)),
            ):
                parts.append(_select(strip(a, b, ca * scale, cb * scale, across, self._along / 8), plain))
        return join(parts)

    def walls(self, ground: Ground) -> Quads | None:
        """The rock faces beside a mountain road, on the sides where the hills are; None for another road."""
        if not self._look.walls:
            return None
        generator = np.random.default_rng(5)
        parts = []
        for side in (1, -1):
            high = np.maximum(0.0, 9 * np.sin(self._along / 90 * side + 1)) + 0.8 * generator.standard_normal(
                len(self._along)
            )
            color = (
                np.array(self._look.rock)
                * 255
                / textures.BRIGHT
                * (1 + 0.1 * generator.standard_normal((len(self._along), 1)))
            )
            a, b = self.line(side * 7.2, 0.0), self.line(side * 8.4, high)
            parts.append(_select(strip(a, b, color, color * 1.1, (0, 1), self._along / 8), high > 1.5))
        return join(parts)


def _lit(light: tuple[float, ...], shade: tuple[float, ...], facing: Float64Array) -> Float64Array:
    share = (0.5 + 0.9 * facing).clip(0, 1)[:, None]
    return np.asarray(np.array(light) * share + np.array(shade) * (1 - share))


def _select(quads: Quads, mask: npt.NDArray[np.bool_]) -> Quads:
    return Quads(quads.position[mask], quads.color[mask], quads.texture[mask])


def _sky(root: NodePath, look: Look) -> NodePath:
    """A bowl coloured by elevation, drawn behind everything else."""
    heights = np.radians([-12.0, -1.5, 2, 8, 16, 26, 50, 89])
    shades = np.array(look.sky, np.float64)
    around = np.linspace(0, 2 * np.pi, 25)
    parts = []
    for low, high, color_low, color_high in zip(heights[:-1], heights[1:], shades[:-1], shades[1:], strict=True):
        corners = [(low, 0), (low, 1), (high, 1), (high, 0)]
        position = np.stack([_on_sphere(around[j : len(around) - 1 + j], h) for h, j in corners], 1)
        color = np.stack([np.broadcast_to(c, (24, 3)) for c in (color_low, color_low, color_high, color_high)], 1)
        parts.append(Quads(position, color, np.zeros((24, 4, 2))))
    sky = attach(root, "sky", join(parts), None)
    sky.set_bin("background", 0)
    sky.set_depth_write(False)
    sky.set_depth_test(False)
    return sky


def _on_sphere(around: Float64Array, height: float, radius_m: float = 20.0) -> Float64Array:
    flat = radius_m * math.cos(height)
    return np.column_stack(
        [flat * np.cos(around), flat * np.sin(around), np.full(len(around), radius_m * math.sin(height))]
    )
