"""Unity's rotations and FBX's as 4 x 4 matrices that act on columns. Unity's axes: x right, y up, z ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protocol.arrays import Float64Array

Numbers = Sequence[float] | Float64Array

MIRROR_X = np.diag([-1.0, 1.0, 1.0, 1.0])
"""From FBX's right-handed axes to Unity's left-handed ones, and back."""


def placement(position: Numbers, rotation: Float64Array, scale: Numbers) -> Float64Array:
    """Scale, then rotate (3, 3), then shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.asarray(scale, np.float64)
    matrix[:3, 3] = position
    return matrix


def quaternion_rotation(x: float, y: float, z: float, w: float) -> Float64Array:
    """The rotation (3, 3) of a quaternion of any length. Raises ValueError for one of no length."""
    quaternion = np.array([x, y, z, w], np.float64)
    length = np.linalg.norm(quaternion)
    if not 1e-6 < length < 1e6:
        raise ValueError(f"a rotation has the quaternion {x:g}, {y:g}, {z:g}, {w:g}")
    x, y, z, w = quaternion / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def rotation_quaternion(rotation: Float64Array) -> tuple[float, float, float, float]:
    """x, y, z, w of a rotation (3, 3): the eigenvector of Bar-Itzhack's symmetric matrix (2000)."""
    r = rotation
    symmetric = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[2, 1] - r[1, 2]],
            [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], r[1, 2] + r[2, 1], r[0, 2] - r[2, 0]],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    x, y, z, w = np.linalg.eigh(symmetric)[1][:, -1]
    return float(x), float(y), float(z), float(w)


def euler_rotation(degrees: Numbers) -> Float64Array:
    """FBX's rotation (3, 3) by angles about x, then y, then z."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)
