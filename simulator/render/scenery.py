"""Build a track's scenery: road, edge lines, kerbs, bridge, verges, hills, water, trees and sky.

Colours, widths and the sun's side were taken from real frames by eye and by their medians. Everything else is noise
from a generator that the track's name seeds, so that a track looks the same on every machine.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
from panda3d.core import NodePath

from protocol.arrays import Float64Array
from simulator.render import textures
from simulator.render.ground import Ground
from simulator.render.mesh import Quads, attach, join, texture_of
from simulator.render.palette import LOOKS, Look
from simulator.render.plants import SORTS
from simulator.render.road import Road
from simulator.render.weather.air import weathered
from simulator.world.track import Track


def build_scenery(track: Track, root: NodePath) -> NodePath:
    """Attach the whole scenery under `root`; returns the sky, which must follow the camera. Raises ValueError."""
    if track.look not in LOOKS:
        same_road = track.name.removeprefix("udacity-")
        raise ValueError(
            f"{track.name} is drawn from a checkout of Udacity's simulator, which cannot be read yet;"
            f" drive {same_road}, the same road in the built-in scenery"
        )
    generator = np.random.default_rng(zlib.crc32(track.road.encode()))
    look = weathered(LOOKS[track.look], track.weather)
    ground = Ground(track, look, generator)
    road = Road(track, look)
    maps = {name: texture_of(name, make(generator), glare=GLARE[name]) for name, make in _GROUND_TEXTURES.items()}
    attach(root, "asphalt", road.asphalt(), maps["asphalt"])
    if bridge := road.bridge():
        attach(root, "bridge", bridge, maps["cobbles"])
    attach(root, "lines", road.lines(), None)
    attach(root, "edges", road.edges(), None)
    attach(root, "verges", road.verges(ground), maps["speckle"])
    attach(root, "hills", ground.quads(), maps["rock"])
    attach(root, "water", ground.water(), None)
    for sort in SORTS[look.flora]:
        picture = texture_of("plants", sort.draw(generator), smooth=False)
        attach(root, "plants", ground.grow(sort, generator), picture, cut_out=True)
    if walls := road.walls():
        attach(root, "walls", walls, maps["rock"])
    return _sky(root, look)


GLARE = {"asphalt": 0.1, "cobbles": 0.06, "speckle": 0.0, "rock": 0.0}
"""How much brighter a texture becomes with each mip level, that is farther away: a road shines at a glance."""

_GROUND_TEXTURES = {
    "asphalt": textures.asphalt,
    "cobbles": textures.cobbles,
    "speckle": textures.speckle,
    "rock": textures.rock,
}


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
