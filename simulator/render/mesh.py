"""Arrays -> Panda3D's coloured, textured meshes. They are cut into tiles, so that tiles behind the car cost nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    Geom,
    GeomEnums,
    GeomNode,
    GeomTriangles,
    GeomVertexData,
    GeomVertexFormat,
    NodePath,
    SamplerState,
    Texture,
    TransparencyAttrib,
)

from protocol.arrays import Float64Array

VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("texture", "<f4", 2)])
TILE_M = 120.0
TILES_TOGETHER = 4
"""Tiles are grouped in squares of this many by this many; Panda3D tests a square before its tiles."""


@dataclass(frozen=True, eq=False)
class Quads:
    """position (n, 4, 3) metres, corners in turn; color (n, 4, 3) 0..255; texture (n, 4, 2); all float64."""

    position: Float64Array
    color: Float64Array
    texture: Float64Array

    def __len__(self) -> int:
        return len(self.position)


def join(parts: list[Quads]) -> Quads:
    """Concatenate several Quads."""
    arrays = ((part.position, part.color, part.texture) for part in parts)
    return Quads(*(np.concatenate(group) for group in zip(*arrays, strict=True)))


def strip(
    left: Float64Array,
    right: Float64Array,
    left_color: Float64Array,
    right_color: Float64Array,
    across: tuple[float, float],
    along: Float64Array,
) -> Quads:
    """Build a closed ribbon between two lines (n, 3). Colours: (n, 3) or (3,); texture: at `across`, `along` (n,)."""
    count = len(left)
    left_color, right_color = (np.broadcast_to(c, (count, 3)) for c in (left_color, right_color))
    step = float(along[1] - along[0])
    ahead = along + step

    def corners(a: Float64Array, b: Float64Array) -> Float64Array:
        return np.stack([a, b, np.roll(b, -1, 0), np.roll(a, -1, 0)], 1)

    sides = (across[0], across[1], across[1], across[0])
    texture = np.stack(
        [np.stack([np.full(count, u), v], 1) for u, v in zip(sides, (along, along, ahead, ahead), strict=True)], 1
    )
    return Quads(corners(left, right), corners(left_color, right_color), texture)


def attach(root: NodePath, name: str, quads: Quads, texture: Texture | None, cut_out: bool = False) -> NodePath:
    """Attach the quads under `root`, a node for each tile of the ground. cut_out: the texture's alpha cuts holes."""
    group = root.attach_new_node(name)
    group.set_bin("fixed", root.get_num_children())  # a fixed order resolves ties in depth alike on each run
    tile = np.floor(quads.position.mean(1)[:, :2] / TILE_M).astype(np.int64)
    tiles, tile_numbers = np.unique(tile, axis=0, return_inverse=True)
    squares: dict[tuple[int, int], NodePath] = {}
    for number, (x, y) in enumerate(tiles // TILES_TOGETHER):
        square = squares.get((x, y)) or squares.setdefault((x, y), group.attach_new_node("square"))
        square.attach_new_node(_node(name, quads, np.flatnonzero(tile_numbers.reshape(-1) == number)))
    if texture is not None:
        group.set_texture(texture)
    group.set_two_sided(True)
    if cut_out:
        group.set_transparency(TransparencyAttrib.M_binary)
    return group


def _node(name: str, quads: Quads, indices: npt.NDArray[np.intp]) -> GeomNode:
    vertices = np.zeros((len(indices), 4), VERTEX)
    vertices["position"] = quads.position[indices]
    vertices["color"][..., :3] = quads.color[indices].clip(0, 255)
    vertices["color"][..., 3] = 255
    vertices["texture"] = quads.texture[indices]
    rows = vertices.reshape(-1).view(np.dtype((np.void, VERTEX.itemsize)))
    shared, corner = np.unique(rows, return_inverse=True)  # equal corners of neighbours become one vertex
    corner = corner.reshape(-1, 4).astype(np.uint32)
    data = GeomVertexData(name, GeomVertexFormat.get_v3c4t2(), GeomEnums.UH_static)
    data.unclean_set_num_rows(len(shared))
    data.modify_array_handle(0).copy_data_from(shared.tobytes())
    triangles = GeomTriangles(GeomEnums.UH_static)
    triangles.set_index_type(GeomEnums.NT_uint32)
    array = triangles.modify_vertices()
    array.unclean_set_num_rows(len(indices) * 6)
    array.modify_handle().copy_data_from(np.ascontiguousarray(corner[:, [0, 1, 2, 0, 2, 3]]).tobytes())
    geom = Geom(data)
    geom.add_primitive(triangles)
    node = GeomNode(name)
    node.add_geom(geom)
    return node


def texture_of(name: str, pixels: npt.NDArray[np.uint8], smooth: bool = True, glare: float = 0.0) -> Texture:
    """RGB or RGBA, uint8 (rows, columns, 3 or 4), sides a power of two -> a repeating texture with mip levels.

    glare: by how much each level is brighter than the one before, as a share of the first.
    """
    rows, columns, channels = pixels.shape
    texture = Texture(name)
    texture.setup_2d_texture(columns, rows, Texture.T_unsigned_byte, Texture.F_rgb if channels == 3 else Texture.F_rgba)
    order = [2, 1, 0, 3][:channels]
    texture.set_ram_image(np.ascontiguousarray(pixels[::-1, :, order]).tobytes())
    if channels == 4 or glare:
        _change_levels(texture, channels, glare)
    texture.set_minfilter(SamplerState.FT_linear_mipmap_linear if smooth else SamplerState.FT_nearest_mipmap_nearest)
    texture.set_magfilter(SamplerState.FT_linear if smooth else SamplerState.FT_nearest)
    return texture


def _change_levels(texture: Texture, channels: int, glare: float) -> None:
    """Brighten the mip levels, and make their alpha 0 or 255, as the test at a half sees it."""
    texture.generate_ram_mipmap_images()
    for level in range(texture.get_num_ram_mipmap_images()):
        pixels = np.frombuffer(memoryview(texture.modify_ram_mipmap_image(level)), np.uint8).reshape(-1, channels)
        pixels[:, :3] = (pixels[:, :3] * (1 + glare * level)).clip(0, 255)
        if channels == 4:
            pixels[:, 3] = np.where(pixels[:, 3] > 127, 255, 0)
