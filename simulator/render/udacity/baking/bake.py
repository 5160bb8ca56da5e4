"""A Unity scene -> meshes with their light in them and pictures of one size: all that both renderers draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from protocol.arrays import Float64Array
from simulator.render.udacity.baking.gloss import as_normal_bytes
from simulator.render.udacity.baking.land import LAYERS, land_surface
from simulator.render.udacity.baking.light import as_bytes, facing, light_on
from simulator.render.udacity.baking.tangents import leaning_normals
from simulator.render.udacity.baking.tiles import Mesh, Surface, TileGrid, joined, simplified, surface
from simulator.unity.unity_scene import Bytes, Floats, MeshPart, Plants, Rgb, TerrainLayer, UnityScene

PICTURE_PX = 512
"""The side of every picture: all of them are the pages of one texture, so that a tile is drawn in one go."""

MEAN_GRAIN = 96
"""The byte that stands for a layer's mean brightness; the brightest is 2.7 times as bright."""

FINE_M = 0.17
"""A mesh whose triangles are smaller than this, such as a tyre, is simplified far away; thin posts are not."""

FINE_UP_TO_M, CELLS_M = (0.0, 40.0, 80.0), (0.0, 0.2, 0.4)
"""From these distances on, its vertices within cells of these sizes become one."""

FINE_GRID = TileGrid(sides_m=(16.0, 16.0))
"""Its tiles are small, so that few of its triangles are drawn finer than can be seen."""

CARD_GRID = TileGrid(sides_m=(128.0, 128.0))
"""Cards have few triangles, so their tiles are large."""

WATER_COLOR = (0.655, 0.75, 0.80)
"""Measured on a recording: the sky above the horizon, mirrored."""

WATER_REACH_M, WATER_PIECE_M = 700.0, 350.0


@dataclass(frozen=True, eq=False, slots=True)
class Land:
    """A terrain. Its pictures differ mostly in brightness, so one page holds the grain of each layer in a channel.

    page: of that picture, which repeats every tile_m; colors: float32 (LAYERS, 3), each layer's mean; rough: whether
    it takes the light as the standard shader does.
    """

    surface: Surface
    page: int
    tile_m: tuple[float, float]
    colors: Floats
    rough: bool


@dataclass(frozen=True, eq=False, slots=True)
class Baked:
    """pages: uint8 (pages, 512, 512, 4). Columns of meshes: `places`, `color` (light), `normals` with the roughness,
    and `texture` (u, v, page). Land has `weights` instead of the last two. Cards have no normals; they stand at their
    foot's place and reach `reach` (across, up) from it.
    """

    pages: Bytes
    solid: Surface
    cut_out: Surface
    land: tuple[Land, ...]
    cards: Surface


def bake(scene: UnityScene, road: Float64Array) -> Baked:
    """Compute the light of a scene. road: its centre line (n, 2), beside which the land is finest."""
    pages: list[Bytes] = []
    solid: list[Mesh] = []
    cut_out: list[Mesh] = []
    page_of = {}
    for name, material in scene.materials.items():
        page_of[name] = len(pages)
        pages.append(_page(material.picture.pixels, material.color))
    for part in scene.parts:
        group = solid if scene.materials[part.material].cutout is None else cut_out
        group.append(_mesh(part, scene, page_of[part.material]))
    if scene.water_m is not None:
        solid.append(_water(scene.water_m, road, len(pages)))
        pages.append(_page(np.full((1, 1, 3), 255, np.uint8), WATER_COLOR))
    land = []
    for terrain in scene.terrains:
        grain, tile_m, colors = _grains(terrain.layers[:LAYERS])
        rough = terrain.roughness is not None
        land.append(Land(land_surface(terrain, scene, road), len(pages), tile_m, colors, rough))
        pages.append(grain)
    cards = []
    for terrain in scene.terrains:
        for plants in terrain.plants:
            cards.append(_cards(plants, len(pages)))
            pages.append(_page(plants.picture.pixels))
    return Baked(
        np.stack(pages),
        _with_levels(solid),
        _with_levels(cut_out),
        tuple(land),
        surface([joined(cards)], grid=CARD_GRID) if cards else Surface(),
    )


def _page(pixels: Bytes, tint: Rgb = (1.0, 1.0, 1.0)) -> Bytes:
    """A picture of the common size with an alpha channel, first row at the top."""
    image = Image.fromarray(pixels).convert("RGBA")
    if image.size != (PICTURE_PX, PICTURE_PX):
        image = image.resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    page = np.asarray(image)
    if tint == (1.0, 1.0, 1.0):
        return page
    return (page * np.array((*tint, 1.0), np.float32) + 0.5).clip(0, 255).astype(np.uint8)


def _grains(layers: Sequence[TerrainLayer]) -> tuple[Bytes, tuple[float, float], Floats]:
    """The brightness of each layer relative to its mean as a channel of one picture; its side; the layers' means.

    The picture is as large as the layer that repeats most seldom; others repeat in it a whole number of times.
    """
    wide, high = (max(layer.tile_m[axis] for layer in layers) for axis in (0, 1))
    page = np.full((PICTURE_PX, PICTURE_PX, LAYERS), MEAN_GRAIN, np.uint8)
    colors = np.zeros((LAYERS, 3), np.float32)
    for number, layer in enumerate(layers):
        pixels = layer.picture.pixels[..., :3]
        mean = pixels.reshape(-1, 3).mean(0)
        across, down = max(1, round(wide / layer.tile_m[0])), max(1, round(high / layer.tile_m[1]))
        small = (
            Image.fromarray(pixels)
            .convert("L")
            .resize((PICTURE_PX // across, PICTURE_PX // down), Image.Resampling.BICUBIC, reducing_gap=2.0)
        )
        grey = np.tile(np.asarray(small, np.float32), (down + 1, across + 1))[:PICTURE_PX, :PICTURE_PX]
        page[..., number] = (grey * (MEAN_GRAIN / max(float(grey.mean()), 1.0)) + 0.5).clip(0, 255)
        colors[number] = mean / 255
    return page, (wide, high), colors


def _mesh(part: MeshPart, scene: UnityScene, page: int) -> Mesh:
    material = scene.materials[part.material]
    normals = leaning_normals(part, material.lean)
    light = light_on(normals, scene.lights, scene.ambient)
    uv = part.uv * np.array(material.tiling, np.float32) + np.array(material.offset, np.float32)
    color = as_bytes(light, facing(normals, scene.lights[0]))
    columns = {
        "places": part.places,
        "color": color,
        "normals": as_normal_bytes(normals, material.roughness),
        "texture": _with_page(uv, page),
    }
    return Mesh(columns, part.corners)


def _with_levels(meshes: list[Mesh]) -> Surface:
    """Meshes as one surface. Those of many small triangles, such as tyres, are coarser far away."""
    fine = [mesh for mesh in meshes if _is_fine(mesh)]
    others = [mesh for mesh in meshes if not _is_fine(mesh)]
    parts = surface([joined(others)]).tiles if others else ()
    if fine:
        whole = joined(fine)
        levels = [simplified(whole, cell_m) if cell_m else whole for cell_m in CELLS_M]
        parts += surface(levels, FINE_UP_TO_M, grid=FINE_GRID).tiles
    return Surface(parts)


def _is_fine(mesh: Mesh) -> bool:
    places = mesh.columns["places"][mesh.corners]
    return float(np.median(np.abs(places[:, 0] - places[:, 1]).max(1))) < FINE_M


def _with_page(uv: Floats, page: int) -> Floats:
    return np.column_stack([uv, np.full(len(uv), page)]).astype(np.float32)


def _water(height_m: float, road: Float64Array, page: int) -> Mesh:
    """A square round the road, cut into pieces, so that those far away can be left out."""
    low, high = road.min(0) - WATER_REACH_M, road.max(0) + WATER_REACH_M
    x, y = (np.arange(a, b + WATER_PIECE_M, WATER_PIECE_M) for a, b in zip(low, high, strict=True))
    grid = np.stack([*np.meshgrid(x, y), np.full((len(y), len(x)), height_m)], 2).astype(np.float32)
    number = np.arange(grid.size // 3).reshape(len(y), len(x))
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]))
    places = grid.reshape(-1, 3)
    light = as_bytes(np.ones((len(places), 3), np.float32))
    corners = np.stack([a, b, c, a, c, d], 1).reshape(-1, 3).astype(np.uint32)
    columns = {
        "places": places,
        "color": light,
        "normals": as_normal_bytes(np.tile(np.array((0, 0, 1), np.float32), (len(places), 1)), None),
        "texture": _with_page(np.zeros((len(places), 2), np.float32), page),
    }
    return Mesh(columns, corners)


def _cards(plants: Plants, page: int) -> Mesh:
    """Four corners a plant, all at its foot; `reach` says how far each is from it."""
    across = np.array((-0.5, 0.5, 0.5, -0.5), np.float32)
    up = np.array((0, 0, 1, 1), np.float32)
    count = len(plants.places)
    reach = np.stack([plants.width_m[:, None] * across, plants.height_m[:, None] * up], 2).reshape(-1, 2)
    texture = np.tile(np.column_stack([across + 0.5, up, np.full(4, page)]), (count, 1)).astype(np.float32)
    columns = {
        "places": np.repeat(plants.places, 4, 0),
        "color": as_bytes(np.repeat(plants.tint, 4, 0)),
        "reach": reach.astype(np.float32),
        "texture": texture,
    }
    first = np.arange(count, dtype=np.uint32)[:, None] * 4
    corners = (first + np.array((0, 1, 2, 0, 2, 3), np.uint32)).reshape(-1, 3)
    return Mesh(columns, corners)
