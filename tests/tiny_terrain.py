"""Writes a tiny terrain as Unity serialises it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.tiny_serialised import Field, serialised_file, several


def land_file(guids: Sequence[str], columns: int = 5, rows: int = 5) -> bytes:
    """A terrain of 5 x 5 heights that rise by 1 m a column to the east, 2 layers, a tree, and 3 tufts of grass.

    guids: of the files of its grass, the grass's normal map, its tufts and its tree.
    """
    steps = [round(column / 60 * 32766) for column in range(columns) for _ in range(rows)]
    weights = np.zeros((4, 4, 4), np.uint8)
    weights[..., 1], weights[0, :, 1], weights[0, :, 2] = 255, 0, 255  # ARGB; the southern row is the second layer
    terrain = Field(
        "TerrainData",
        "Base",
        [
            Field("string", "m_Name", "land"),
            Field(
                "SplatDatabase",
                "m_SplatDatabase",
                [
                    several("m_Splats", _splat(1, 2), [_splat(1, 2), _splat(1, 0)]),
                    several("m_AlphaTextures", _reference("data", 0, 77), [_reference("data", 0, 77)]),
                ],
            ),
            Field("DetailDatabase", "m_DetailDatabase", _plants()),
            Field(
                "Heightmap",
                "m_Heightmap",
                [
                    several("m_Heights", Field("SInt16", "data", 0), [Field("SInt16", "data", step) for step in steps]),
                    Field("int", "m_Width", columns),
                    Field("int", "m_Height", rows),
                    _floats("Vector3f", "m_Scale", x=2.0, y=60.0, z=2.0),
                ],
            ),
        ],
    )
    texture = Field(
        "Texture2D",
        "Base",
        [
            Field("int", "m_Width", 4),
            Field("int", "m_Height", 4),
            Field("int", "m_TextureFormat", 5),
            Field("TypelessData", "image data", weights.tobytes()),
        ],
    )
    return serialised_file([(28, 77, texture), (156, 15600000, terrain)], list(guids))


def _plants() -> list[Field]:
    position = _floats("Vector3f", "position", x=0.25, y=0.0, z=0.5)
    tint = Field("ColorRGBA", "color", [Field("unsigned int", "rgba", 0xFF0000FF)])
    scales = [Field("float", "widthScale", 1.0), Field("float", "heightScale", 2.0)]
    tree = Field("TreeInstance", "data", [position, *scales, tint, Field("int", "index", 0)])
    prototype = Field("TreePrototype", "data", [_reference("prefab", 4, 100016)])
    sizes = {"minWidth": 1.0, "maxWidth": 2.0, "minHeight": 1.0, "maxHeight": 1.0}
    tuft = Field(
        "DetailPrototype",
        "data",
        [
            _reference("prototypeTexture", 3, 2800000),
            *(Field("float", name, value) for name, value in sizes.items()),
            _floats("ColorRGBA", "healthyColor", r=0.8, g=0.8, b=0.8),
            _floats("ColorRGBA", "dryColor", r=0.2, g=0.2, b=0.2),
        ],
    )
    byte = Field("UInt8", "data", 0)

    def patch(layers: list[int], counts: list[int]) -> Field:
        lists = (("layerIndices", layers), ("numberOfObjects", counts))
        fields = [several(name, byte, [Field("UInt8", "data", value) for value in values]) for name, values in lists]
        return Field("DetailPatch", "data", fields)

    empty = patch([], [])
    return [
        several("m_Patches", empty, [empty, patch([0], [0, 3, 0, 0]), empty, empty]),
        several("m_DetailPrototypes", tuft, [tuft]),
        Field("int", "m_PatchCount", 2),
        Field("int", "m_PatchSamples", 2),
        several("m_TreeInstances", tree, [tree]),
        several("m_TreePrototypes", prototype, [prototype]),
    ]


def _splat(texture: int, normals: int) -> Field:
    tile = _floats("Vector2f", "tileSize", x=10.0, y=20.0)
    fields = [_reference("texture", texture, 2800000), _reference("normalMap", normals, 2800000), tile]
    return Field("SplatPrototype", "data", fields)


def _reference(name: str, file: int, path: int) -> Field:
    return Field("PPtr", name, [Field("int", "m_FileID", file), Field("int", "m_PathID", path)])


def _floats(kind: str, name: str, **values: float) -> Field:
    return Field(kind, name, [Field("float", part, value) for part, value in values.items()])
