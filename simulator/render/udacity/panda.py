"""Arrays -> Panda3D's meshes and textures."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache

import numpy as np
from panda3d.core import (
    CPTA_uchar,
    CullBinManager,
    Geom,
    GeomEnums,
    GeomNode,
    GeomTriangles,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    InternalName,
    LODNode,
    NodePath,
    Point3,
    SamplerState,
    Texture,
)

from simulator.render.udacity.baking.tiles import Mesh, Surface
from simulator.render.udacity.canvas import FAR_M
from simulator.render.udacity.shaders import CARD_ALPHA
from simulator.unity.unity_scene import Bytes

FIRST_SORT = 20
"""When lists of things to draw have their turn: Panda3D's own one, in which the car is, has 40."""

COLUMNS = {
    "places": ("vertex", 3, "<f4", GeomEnums.NT_float32, GeomEnums.C_point),
    "color": ("color", 4, "u1", GeomEnums.NT_uint8, GeomEnums.C_color),
    "normals": ("normals", 4, "u1", GeomEnums.NT_uint8, GeomEnums.C_color),
    "weights": ("weights", 4, "u1", GeomEnums.NT_uint8, GeomEnums.C_color),
    "texture": ("texcoord", 3, "<f4", GeomEnums.NT_float32, GeomEnums.C_texcoord),
    "flat texture": ("texcoord", 2, "<f4", GeomEnums.NT_float32, GeomEnums.C_texcoord),
    "reach": ("reach", 2, "<f4", GeomEnums.NT_float32, GeomEnums.C_other),
}
"""A mesh's columns -> their name in Panda3D, numbers a vertex, numpy's and Panda3D's type, and what they are."""


def node_of(name: str, mesh: Mesh) -> GeomNode:
    """A node with one draw call for all triangles of a mesh."""
    names = tuple(mesh.columns)
    vertices = np.empty(len(mesh.columns["places"]), vertex_type(names))
    for column, values in mesh.columns.items():
        vertices[column] = values
    data = GeomVertexData(name, vertex_format(names), GeomEnums.UH_static)
    data.unclean_set_num_rows(len(vertices))
    data.modify_array_handle(0).copy_data_from(vertices.tobytes())
    triangles = GeomTriangles(GeomEnums.UH_static)
    small = len(vertices) <= 2**16 - 1
    triangles.set_index_type(GeomEnums.NT_uint16 if small else GeomEnums.NT_uint32)
    array = triangles.modify_vertices()
    array.unclean_set_num_rows(mesh.corners.size)
    array.modify_handle().copy_data_from(mesh.corners.astype(np.uint16 if small else np.uint32).tobytes())
    geom = Geom(data)
    geom.add_primitive(triangles)
    node = GeomNode(name)
    node.add_geom(geom)
    return node


def vertex_type(names: tuple[str, ...]) -> np.dtype[np.void]:
    """A vertex with these columns."""
    return np.dtype([(name, COLUMNS[name][2], COLUMNS[name][1]) for name in names])


@cache
def vertex_format(names: tuple[str, ...]) -> GeomVertexFormat:
    """The same for Panda3D."""
    array = GeomVertexArrayFormat()
    for name in names:
        panda_name, count, _, kind, contents = COLUMNS[name]
        array.add_column(InternalName.make(panda_name), count, kind, contents)
    return GeomVertexFormat.register_format(GeomVertexFormat(array))


def flat_node(name: str, mesh: Mesh) -> GeomNode:
    """A node of a mesh whose picture is chosen by its state, not by its vertices."""
    texture, color = mesh.columns["texture"][:, :2], mesh.columns["color"].copy()
    color[:, 3] = 255
    columns = {"places": mesh.columns["places"], "color": color, "flat texture": texture}
    return node_of(name, Mesh(columns, mesh.corners))


def attach_surface(root: NodePath, name: str, surface: Surface, node: Callable[[Mesh], GeomNode]) -> NodePath:
    """Attach a surface's tiles, each with its levels.

    Surfaces are drawn in the order in which they are attached, and the nearest tiles of each first, so that what these
    hide costs little.
    """
    group = root.attach_new_node(name)
    group.set_bin(_near_first(root.get_num_children()), 0)
    for levels in surface.tiles:
        parent = group
        if len(levels) > 1:
            places = levels[0].mesh.columns["places"]
            parent = group.attach_new_node(LODNode(name))
            parent.node().set_center(Point3(*((places.min(0) + places.max(0)) / 2).tolist()))
            ends = [level.from_m for level in levels[1:]] + [2 * FAR_M]
            for level, end_m in zip(levels, ends, strict=True):
                parent.node().add_switch(end_m, level.from_m)
        for level in levels:
            parent.attach_new_node(node(level.mesh))
    return group


@cache
def _near_first(number: int) -> str:
    """The name of a list of things to draw, the nearest first; it comes after those of lower numbers."""
    name = f"near first {number}"
    CullBinManager.get_global_ptr().add_bin(name, CullBinManager.BT_front_to_back, FIRST_SORT + number)
    return name


def flat_texture(name: str, pixels: Bytes, smooth: bool = True) -> Texture:
    """A picture (rows, columns, 4), first row at the top -> a repeating texture with mip levels.

    Alpha is all or nothing at every level, so that cards keep their shapes far away.
    """
    texture = Texture(name)
    rows, columns, _ = pixels.shape
    texture.setup_2d_texture(columns, rows, Texture.T_unsigned_byte, Texture.F_rgba)
    level = pixels[::-1, :, [2, 1, 0, 3]]
    texture.set_ram_image(np.ascontiguousarray(_cut(level) if smooth else level).tobytes())
    number = 0
    while smooth and min(level.shape[:2]) > 1:
        high, wide = level.shape[0] // 2, level.shape[1] // 2
        level = level.reshape(high, 2, wide, 2, 4).mean((1, 3)).astype(np.uint8)
        number += 1
        texture.set_ram_mipmap_image(number, CPTA_uchar(np.ascontiguousarray(_cut(level)).tobytes()))
    texture.set_minfilter(SamplerState.FT_nearest_mipmap_nearest if smooth else SamplerState.FT_nearest)
    texture.set_magfilter(SamplerState.FT_nearest)
    return texture


def _cut(pixels: Bytes) -> Bytes:
    cut = pixels.copy()
    cut[..., 3] = np.where(pixels[..., 3] >= 255 * CARD_ALPHA, 255, 0)
    return cut


def freed_with(owner: object, root: NodePath, textures: list[Texture]) -> None:
    """Empty a scene's nodes and textures when its owner is gone; Panda3D's cache of render states keeps them else."""
    weakref.finalize(owner, _free, root, textures).atexit = False


def _free(root: NodePath, textures: list[Texture]) -> None:
    for texture in textures:
        texture.release_all()
        texture.clear_ram_image()
    root.node().remove_all_children()
    root.remove_node()


def page_texture(name: str, pages: Bytes, level_bias: float = 0.0) -> Texture:
    """Pictures (n, rows, columns, 4), first row at the top -> an array of repeating textures with mip levels.

    level_bias: added to the level that the distance asks for; a negative one gives sharper, grainier pictures.
    """
    count, rows, columns, _ = pages.shape
    texture = Texture(name)
    texture.setup_2d_texture_array(columns, rows, count, Texture.T_unsigned_byte, Texture.F_rgba)
    texture.set_ram_image(np.ascontiguousarray(pages[:, ::-1, :, [2, 1, 0, 3]]).tobytes())
    sampler = SamplerState()
    sampler.set_minfilter(SamplerState.FT_linear_mipmap_nearest)  # as Unity's bilinear pictures
    sampler.set_magfilter(SamplerState.FT_linear)
    sampler.set_lod_bias(level_bias)
    texture.set_default_sampler(sampler)
    return texture
