"""Cast shadows: what the sun sees of a scene that does not move, drawn once as a picture of distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from panda3d.core import (
    Camera,
    LColor,
    Mat4,
    NodePath,
    OrthographicLens,
    PTA_LVecBase4f,
    SamplerState,
    Texture,
    Vec4,
)

from protocol.arrays import Float64Array
from simulator.render.udacity.canvas import Canvases
from simulator.unity.unity_scene import Light

SIDE_PX = 4096
AROUND_ROAD_M, BELOW_M, ABOVE_M = 120.0, 30.0, 60.0
"""The land on which shadows fall: so far beside the road, below it and above it."""

BIAS_M = 0.4
"""A surface is in the shade of what lies at least so far before it; less would shade slopes by themselves."""

FAR_LOD = 1e-6
"""The sun is far away, but its picture is drawn with the finest meshes."""


class ShadowMap(NamedTuple):
    """picture: distances from the sun; rows: a place (x, y, z, 1) -> column, row and distance, each 0..1."""

    picture: Texture
    rows: PTA_LVecBase4f


def shadow_map(canvases: Canvases, world: NodePath, sun: Light, road: Float64Array) -> ShadowMap:
    """Draw what the sun sees round a road, float64 (n, 3). Raises RuntimeError if the renderer cannot."""
    axes = _axes(np.array(sun.direction, np.float64))
    low, high = road.min(0), road.max(0)
    reach = np.array((AROUND_ROAD_M, AROUND_ROAD_M, 0.0))
    low, high = low - reach - (0, 0, BELOW_M), high + reach + (0, 0, ABOVE_M)
    box = np.stack([grid.ravel() for grid in np.meshgrid(*zip(low, high, strict=True))], 1)
    seen = box @ axes.T
    start, size = seen.min(0), np.ptp(seen, axis=0)
    picture = Texture("shadows")
    picture.set_minfilter(SamplerState.FT_shadow)
    picture.set_magfilter(SamplerState.FT_shadow)
    picture.set_wrap_u(SamplerState.WM_border_color)
    picture.set_wrap_v(SamplerState.WM_border_color)
    picture.set_border_color(LColor(1, 1, 1, 1))
    camera = _camera(world, axes, start, size)
    canvases.draw_distances(camera, picture, SIDE_PX)
    camera.remove_node()
    rows = PTA_LVecBase4f()
    for number in (0, 1, 2):
        bias = BIAS_M if number == 2 else 0.0
        rows.push_back(Vec4(*(axes[number] / size[number]).tolist(), float(-(start[number] + bias) / size[number])))
    return ShadowMap(picture, rows)


def _axes(direction: Float64Array) -> Float64Array:
    """The sun's right, up and ahead as rows (3, 3)."""
    ahead = direction / np.linalg.norm(direction)
    right = np.cross(ahead, (0.0, 0.0, 1.0) if abs(ahead[2]) < 0.99 else (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(right, ahead), ahead])


def _camera(world: NodePath, axes: Float64Array, start: Float64Array, size: Float64Array) -> NodePath:
    lens = OrthographicLens()
    lens.set_film_size(float(size[0]), float(size[1]))
    lens.set_near_far(0.0, float(size[2]))
    camera = world.attach_new_node(Camera("sun", lens))
    camera.node().set_lod_scale(FAR_LOD)
    right, up, ahead = axes
    place = (start + size * (0.5, 0.5, 0.0)) @ axes
    camera.set_mat(Mat4(*right, 0, *ahead, 0, *up, 0, *place, 1))
    return camera
