"""Tangents of a mesh, along its texture's axes, and normals that lean along them."""

from __future__ import annotations

import numpy as np

from simulator.unity.unity_scene import Floats, Lean, MeshPart


def leaning_normals(part: MeshPart, lean: Lean) -> Floats:
    """The normals of a mesh whose surface leans, unit vectors (n, 3); unchanged where the texture has no extent."""
    if not any(lean):
        return part.normals
    places, uv = part.places[part.corners], part.uv[part.corners]
    first, second = (places[:, k] - places[:, 0] for k in (1, 2))
    (u1, v1), (u2, v2) = ((uv[:, k] - uv[:, 0]).T[..., None] for k in (1, 2))
    mirrored = np.sign(u1 * v2 - u2 * v1)
    normals = part.normals.copy()
    for share, by_triangle in zip(lean, ((first * v2 - second * v1), (second * u1 - first * u2)), strict=True):
        normals += share * _by_vertex(part, by_triangle * mirrored)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-6))


def _by_vertex(part: MeshPart, by_triangle: Floats) -> Floats:
    """A direction of triangles as unit vectors at right angles to the vertices' normals, (n, 3)."""
    total = np.zeros_like(part.normals)
    for k in range(3):
        np.add.at(total, part.corners[:, k], by_triangle)
    total -= part.normals * (total * part.normals).sum(1, keepdims=True)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), np.float32(1e-12))
