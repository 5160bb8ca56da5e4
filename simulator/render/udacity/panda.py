"""Arrays -> Panda3D's meshes and textures."""

from __future__ import annotations

from functools import cache

import numpy as np
from panda3d.core import (
    Geom,
    GeomEnums,
    GeomNode,
    GeomTriangles,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    InternalName,
    SamplerState,
    Texture,
)

from simulator.render.udacity.tiles import Mesh
from simulator.unity.unity_scene import Bytes

COLUMNS = {
    "places": ("vertex", 3, "<f4", GeomEnums.NT_float32, GeomEnums.C_point),
    "color": ("color", 4, "u1", GeomEnums.NT_uint8, GeomEnums.C_color),
    "weights": ("weights", 4, "u1", GeomEnums.NT_uint8, GeomEnums.C_color),
    "texture": ("texcoord", 3, "<f4", GeomEnums.NT_float32, GeomEnums.C_texcoord),
    "reach": ("reach", 2, "<f4", GeomEnums.NT_float32, GeomEnums.C_other),
}
"""A mesh's columns -> their name in Panda3D, numbers a vertex, numpy's and Panda3D's type, and what they are."""


def node_of(name: str, mesh: Mesh) -> GeomNode:
    """A node with one draw call for all triangles of a mesh."""
    names = tuple(mesh.columns)
    vertices = np.empty(len(mesh.columns["places"]), np.dtype([(n, COLUMNS[n][2], COLUMNS[n][1]) for n in names]))
    for column, values in mesh.columns.items():
        vertices[column] = values
    data = GeomVertexData(name, _format(names), GeomEnums.UH_static)
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


@cache
def _format(names: tuple[str, ...]) -> GeomVertexFormat:
    array = GeomVertexArrayFormat()
    for name in names:
        panda_name, count, _, kind, contents = COLUMNS[name]
        array.add_column(InternalName.make(panda_name), count, kind, contents)
    return GeomVertexFormat.register_format(GeomVertexFormat(array))


def page_texture(name: str, pages: Bytes) -> Texture:
    """Pictures (n, rows, columns, 4), first row at the top -> an array of repeating textures with mip levels."""
    count, rows, columns, _ = pages.shape
    texture = Texture(name)
    texture.setup_2d_texture_array(columns, rows, count, Texture.T_unsigned_byte, Texture.F_rgba)
    texture.set_ram_image(np.ascontiguousarray(pages[:, ::-1, :, [2, 1, 0, 3]]).tobytes())
    texture.set_minfilter(SamplerState.FT_linear_mipmap_nearest)  # as Unity's bilinear pictures
    texture.set_magfilter(SamplerState.FT_linear)
    return texture
