"""Land from a terrain's fields: heights, the weights of its ground textures, and its plants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulator.unity.files.errors import FormatError, damage_named
from simulator.unity.files.serialised import SerialisedFile, read_serialised
from simulator.unity.project import UnityProject
from simulator.unity.reading.pictures import Pictures
from simulator.unity.reading.plants import read_plants
from simulator.unity.unity_scene import Bytes, Floats, Terrain, TerrainLayer

TERRAIN_CLASS = 156

HEIGHT_STEPS = 32766
"""Of the terrain's full height."""

LARGEST_MAP = 4097
MOST_TEXTURES = 4
CHANNELS = {5: (1, 2, 3, 0), 4: (0, 1, 2, 3)}
"""Where red, green, blue and alpha lie in a pixel, by Unity's texture format: ARGB32 and RGBA32."""

PLAIN_PICTURE = 0
"""The texture type of a .meta file that is no normal map."""


def read_land(project: UnityProject, path: str, pictures: Pictures, position: tuple[float, float, float]) -> Terrain:
    """The land of a terrain file. position: of its corner, in Unity's axes. Raises UnityFileError, OSError."""
    content = project.read(path)
    with damage_named(project.checkout / path):
        asset = read_serialised(content)
        terrain = next((item.fields for item in asset.objects.values() if item.class_id == TERRAIN_CLASS), None)
        if terrain is None:
            raise FormatError("holds no terrain")
        east_m, up_m, north_m = position
        heights, cell_m = _heights(terrain["m_Heightmap"])
        heights += np.float32(up_m)
        splats = terrain["m_SplatDatabase"]
        layers = tuple(_layer(project, pictures, asset, item) for item in splats["m_Splats"])
        weights = _weights(asset, splats["m_AlphaTextures"], len(layers))
        land = Terrain((east_m, north_m), cell_m, heights, weights, layers)
        return replace(land, plants=read_plants(project, asset, terrain["m_DetailDatabase"], land, pictures))


def _heights(heightmap: dict[str, Any]) -> tuple[Floats, tuple[float, float]]:
    """float32 (rows to the north, columns to the east), in metres over the terrain's corner; the size of a cell."""
    columns, rows = _size(heightmap["m_Width"]), _size(heightmap["m_Height"])
    steps = np.array(heightmap["m_Heights"], np.float32).reshape(columns, rows).T
    scale = heightmap["m_Scale"]
    cell_m = float(scale["x"]), float(scale["z"])
    if not (0.01 < cell_m[0] < 100 and 0.01 < cell_m[1] < 100 and 0 <= float(scale["y"]) < 10_000):
        raise ValueError(f"a cell of {cell_m[0]:g} x {cell_m[1]:g} m and heights to {scale['y']} m")
    return np.ascontiguousarray(steps * np.float32(float(scale["y"]) / HEIGHT_STEPS)), cell_m


def _size(value: Any) -> int:
    size = int(value)
    if not 2 <= size <= LARGEST_MAP:
        raise ValueError(f"a map is {size} points wide")
    return size


def _weights(asset: SerialisedFile, references: list[dict[str, Any]], layers: int) -> Bytes:
    """uint8 (rows to the north, columns to the east, layers): four layers in each texture."""
    if len(references) > MOST_TEXTURES:
        raise ValueError(f"{len(references)} textures of weights")
    parts = []
    for reference in references:
        texture = asset.objects[int(reference["m_PathID"])].fields
        columns, rows = _size(texture["m_Width"]), _size(texture["m_Height"])
        channels = CHANNELS.get(int(texture["m_TextureFormat"]))
        if channels is None:
            raise FormatError(f"has weights of the unknown texture format {texture['m_TextureFormat']}")
        pixels = texture["image data"][: rows * columns * 4]
        parts.append(pixels.reshape(rows, columns, 4)[..., channels])
    if not parts:
        return np.full((2, 2, layers), 255, np.uint8)
    return np.ascontiguousarray(np.concatenate(parts, 2)[..., :layers])


def _layer(project: UnityProject, pictures: Pictures, asset: SerialisedFile, fields: dict[str, Any]) -> TerrainLayer:
    tile = fields["tileSize"]
    tile_m = float(tile["x"]), float(tile["y"])
    if not (0.01 < tile_m[0] < 1e4 and 0.01 < tile_m[1] < 1e4):
        raise ValueError(f"a ground texture of {tile_m[0]:g} x {tile_m[1]:g} m")
    normals = project.paths.get(asset.guid(fields["normalMap"]) or "")
    return TerrainLayer(
        pictures.of_guid(asset.guid(fields["texture"])), tile_m, normals is not None and _is_plain(project, normals)
    )


def _is_plain(project: UnityProject, path: str) -> bool:
    """Whether a normal map is imported as a plain picture."""
    settings = project.meta(path).get("TextureImporter") or {}
    return int(settings.get("textureType", 1)) == PLAIN_PICTURE
