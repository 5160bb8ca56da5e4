"""The mesh of an FBX 6 model, as Unity imports it: x mirrored, metres, one submesh for each material."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from simulator.unity.files.fbx_nodes import FbxNode

Indices = npt.NDArray[np.int64]

MOST_CORNERS = 10_000_000
LARGEST_VALUE = 1e6


@dataclass(frozen=True, eq=False, slots=True)
class FbxMesh:
    """Triangles in a model's own axes, in metres. places, normals: (n, 3); uv: (n, 2); submeshes: corners (m, 3) each.

    Triangles run anticlockwise seen from their front once y and z are swapped, as `UnityScene` wants them.
    """

    name: str
    places: Float64Array
    normals: Float64Array
    uv: Float64Array
    submeshes: tuple[Indices, ...]


def material_order(node: FbxNode) -> list[int]:
    """The materials of a model's polygons, by their first polygon: the order of Unity's submeshes."""
    if not node.has("LayerElementMaterial"):
        return [0]
    by_polygon = _numbers(node.child("LayerElementMaterial"), "Materials").astype(np.int64)
    return list(dict.fromkeys(by_polygon.tolist()))


def read_mesh(node: FbxNode, name: str, geometric: Float64Array, unit_m: float) -> FbxMesh:
    """The mesh of a model. geometric: (4, 4) of the mesh in its model. Raises KeyError, ValueError, IndexError."""
    vertices = _numbers(node, "Vertices").reshape(-1, 3)
    marked = _numbers(node, "PolygonVertexIndex").astype(np.int64)
    if len(marked) > MOST_CORNERS or not len(vertices):
        raise ValueError(f"the mesh {name} has {len(vertices)} vertices and {len(marked)} corners")
    vertex = np.where(marked < 0, ~marked, marked)
    if vertex.size and vertex.max() >= len(vertices):
        raise ValueError(f"the mesh {name} has {len(vertices)} vertices and names number {vertex.max()}")
    triangles, polygons = _triangles(np.flatnonzero(marked < 0))
    places = (np.c_[vertices, np.ones(len(vertices))] @ geometric.T)[vertex, :3] * unit_m
    if node.has("LayerElementNormal"):
        normals = _by_corner(node.child("LayerElementNormal"), "Normals", 3, vertex)
        normals = normals @ np.linalg.inv(geometric[:3, :3])
    else:
        normals = _flat_normals(places, triangles)
    uv = _by_corner(node.child("LayerElementUV"), "UV", 2, vertex) if node.has("LayerElementUV") else places[:, :2]
    values = np.c_[places, normals, uv]
    if not (np.abs(values) < LARGEST_VALUE).all():
        raise ValueError(f"the mesh {name} has places that are no numbers, or farther away than {LARGEST_VALUE:g} m")
    unique, merged = np.unique(values.astype(np.float32), axis=0, return_inverse=True)
    triangles = merged.reshape(-1)[triangles]
    corners = unique.astype(np.float64) * [-1, 1, 1, -1, 1, 1, 1, 1]
    return FbxMesh(
        name, corners[:, :3], corners[:, 3:6], corners[:, 6:], _by_material(node, triangles, polygons, len(marked))
    )


def _numbers(node: FbxNode, name: str) -> Float64Array:
    return np.asarray(node.child(name).values, np.float64)


def _triangles(ends: Indices) -> tuple[Indices, Indices]:
    """Fans of triangles (m, 3) for polygons whose last corners are given, and the polygon of each triangle."""
    starts = np.r_[0, ends[:-1] + 1][: len(ends)]
    counts = np.maximum(ends - starts - 1, 0)
    polygon = np.repeat(np.arange(len(ends)), counts)
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[polygon]
    return np.stack([first, first + step + 1, first + step + 2], 1), polygon


def _by_corner(layer: FbxNode, name: str, width: int, vertex: Indices) -> Float64Array:
    """A layer's values (corners, width). vertex: of each corner. Raises ValueError for mappings that FBX 6 lacks."""
    values = _numbers(layer, name).reshape(-1, width)
    mapping = layer.text("MappingInformationType")
    if mapping not in {"ByPolygonVertex", "ByVertice", "ByVertex"}:
        raise ValueError(f"{layer.name} maps its values {mapping}")
    index = np.arange(len(vertex)) if mapping == "ByPolygonVertex" else vertex
    if layer.has(f"{name}Index"):
        index = _numbers(layer, f"{name}Index").astype(np.int64)[index]
    if index.size and index.min() < 0:
        raise ValueError(f"{layer.name} names the value {index.min()}")
    return values[index]


def _flat_normals(places: Float64Array, triangles: Indices) -> Float64Array:
    first, second, third = (places[triangles[:, k]] for k in range(3))
    normals = np.zeros_like(places)
    across = np.cross(second - first, third - first)
    for k in range(3):
        np.add.at(normals, triangles[:, k], across)
    return normals


def _by_material(node: FbxNode, triangles: Indices, polygons: Indices, corners: int) -> tuple[Indices, ...]:
    if not node.has("LayerElementMaterial"):
        return (triangles,)
    by_polygon = _numbers(node.child("LayerElementMaterial"), "Materials").astype(np.int64)
    by_polygon = np.resize(by_polygon, max(corners, 1)) if len(by_polygon) == 1 else by_polygon
    return tuple(triangles[by_polygon[polygons] == material] for material in material_order(node))
