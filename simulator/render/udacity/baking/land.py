"""A terrain as a mesh: fine beside the road, coarse far away, with its light and the shares of its layers."""

from __future__ import annotations

import numpy as np

from protocol.arrays import Float64Array
from simulator.render.udacity.baking.gloss import as_normal_bytes
from simulator.render.udacity.baking.light import as_bytes, facing, light_on
from simulator.render.udacity.baking.relief import Relief
from simulator.render.udacity.baking.tiles import Mesh, Surface, TileGrid, surface
from simulator.unity.unity_scene import Bytes, Floats, Terrain, UnityScene

LAYERS = 4
"""The layers that are mixed; a terrain's fifth and later ones count as the fourth."""

LEVELS_M = (0.0, 80.0, 220.0)
"""From these distances of the camera on, a coarser mesh is drawn."""

BLOCK = 64
"""Cells along the side of a tile."""

SKIRT_M = 3.0

STEEPEST = 0.25
"""Height may be missed by more where land is steep, by the upward part of its normal, of which this is the least."""

TOLERANCES = np.array(((0.08, 0.013), *((0.24, 0.005),) * 3, *((0.5, 0.013),) * LAYERS), np.float32)
"""How much a mesh may miss in metres of height, in red, green and blue light, and in a layer's share: at the camera,
and more for each metre away from it.
"""


def land_surface(terrain: Terrain, scene: UnityScene, road: Float64Array) -> Surface:
    """A terrain, in tiles with a mesh for each of LEVELS_M: `places`, `color` (light as bytes), `weights` (n, 4).

    Land of the standard shader has `normals`, too. road: (n, 2) metres. Raises ValueError for heights whose sides are
    not alike, or not a power of two and one.
    """
    rows, columns = terrain.heights.shape
    side = rows - 1
    if rows != columns or side < 1 or side & (side - 1):
        raise ValueError(f"a terrain has 2**n + 1 heights along each side, got {rows} x {columns}")
    x = terrain.origin[0] + np.arange(columns) * terrain.cell_m[0]
    y = terrain.origin[1] + np.arange(rows) * terrain.cell_m[1]
    places = np.stack([*np.meshgrid(x, y), terrain.heights], 2).astype(np.float32).reshape(-1, 3)
    weights = _weights(terrain, (rows, columns)).reshape(-1, LAYERS)
    normals = _normals(terrain)
    lit = _lit_normals(terrain, normals, weights)
    light = light_on(lit, scene.lights, scene.ambient)
    relief = Relief(side, np.column_stack([places[:, 2], light, weights / np.float32(255)]), BLOCK)
    distance = _distance(places, road, columns)
    data = {"places": places, "color": as_bytes(light, facing(lit, scene.lights[0])), "weights": weights}
    if terrain.roughness is not None:
        data["normals"] = as_normal_bytes(lit, terrain.roughness)
    meshes = []
    for from_m in LEVELS_M:
        tolerance = TOLERANCES[:, 0] + TOLERANCES[:, 1] * np.maximum(distance, from_m)[:, None]
        tolerance[:, 0] /= np.maximum(normals[:, 2], STEEPEST)
        corners = relief.triangles(tolerance)
        meshes.append(Mesh(data, corners.astype(np.uint32)).part(np.arange(len(corners))))
    sides = BLOCK * terrain.cell_m[0], BLOCK * terrain.cell_m[1]
    return surface(meshes, LEVELS_M, SKIRT_M, TileGrid(terrain.origin, sides))


def _distance(places: Floats, road: Float64Array, columns: int) -> Floats:
    """About how far each place is from the road, (n,): exact at every eighth row and column."""
    grid = places[:, :2].reshape(-1, columns, 2)
    few = grid[::8, ::8]
    gap = few.reshape(-1, 1, 2) - road[None, :: max(1, len(road) // 300)].astype(np.float32)
    distance = np.sqrt((gap**2).sum(2).min(1)).reshape(few.shape[:2])
    rows = np.minimum((np.arange(len(grid)) + 4) // 8, len(distance) - 1)
    wide = np.minimum((np.arange(columns) + 4) // 8, distance.shape[1] - 1)
    return distance[np.ix_(rows, wide)].reshape(-1)


def _weights(terrain: Terrain, shape: tuple[int, int]) -> Bytes:
    """The layers' shares at each height: uint8 (rows, columns, 4), which sum to about 255."""
    weights = terrain.weights
    few = np.zeros((*weights.shape[:2], LAYERS), np.float32)
    for number in range(weights.shape[2]):
        few[..., min(number, LAYERS - 1)] += weights[..., number]
    few *= 255 / np.maximum(few.sum(2, keepdims=True), 1)
    for axis, count in enumerate(shape):
        few = _resampled(few, axis, count)
    return (few + 0.5).astype(np.uint8)


def _resampled(values: Floats, axis: int, count: int) -> Floats:
    """Linear between the middles of texels, along one axis, at `count` places from edge to edge."""
    size = values.shape[axis]
    at = (np.arange(count) / (count - 1) * size - 0.5).clip(0, size - 1)
    low = np.minimum(at.astype(int), max(size - 2, 0))
    share = np.float32(at - low).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    return values.take(low, axis) * (1 - share) + values.take(np.minimum(low + 1, size - 1), axis) * share


def _normals(terrain: Terrain) -> Floats:
    """Where the surface looks at each height: (n, 3)."""
    slope_y, slope_x = np.gradient(terrain.heights, terrain.cell_m[1], terrain.cell_m[0])
    normals = np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], 2).astype(np.float32).reshape(-1, 3)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def _lit_normals(terrain: Terrain, normals: Floats, weights: Bytes) -> Floats:
    """Where it looks for its light: (n, 3).

    A layer whose normal map is imported as a plain picture is lit as if its surface looked along its tangent.
    """
    tangents = np.stack([normals[:, 2], np.zeros(len(normals), np.float32), -normals[:, 0]], 1)
    tangent_lit = np.array([layer.tangent_lit for layer in terrain.layers[:LAYERS]], np.float32)
    share = weights[:, : len(tangent_lit)].astype(np.float32) @ tangent_lit[:, None] / 255
    lit = share * tangents + (1 - share) * normals
    lit /= np.maximum(np.linalg.norm(lit, axis=1, keepdims=True), 1e-6)
    return lit.astype(np.float32)
