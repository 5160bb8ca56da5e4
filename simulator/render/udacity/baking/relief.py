"""A grid of values -> as few triangles as show it well enough: right-triangulated irregular networks.

Source: W. Evans, D. Kirkpatrick, G. Townsend, Right-Triangulated Irregular Networks, Algorithmica 30 (2001). A triangle
is split at the middle of its longest side where the values there differ too much, and its neighbour is split with it,
so no gap opens between fine and coarse triangles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int32]
Triangles = tuple[Indices, Indices, Indices]
"""The ends of the longest sides and the opposite corners, as indices into the flat grid."""


class Relief:
    """A grid of (side + 1) x (side + 1) vertices, in rows that go up, and how badly coarse triangles show its values.

    side: a power of two. values: float32 ((side + 1) ** 2, k); the k values are judged one by one. block: a power of
    two; no triangle reaches from one square of block x block cells into the next.
    """

    def __init__(self, side: int, values: npt.NDArray[np.float32], block: int) -> None:
        self._levels = _levels(side)
        self._always_split = 2 * max(0, (side // block).bit_length() - 1)
        self._vertices = len(values)
        self._missed = []
        for a, b, _ in self._levels:
            self._missed.append(np.abs((values[a] + values[b]) / 2 - values[(a + b) // 2]))

    def triangles(self, tolerance: npt.NDArray[np.float32]) -> Indices:
        """As few triangles (m, 3), anticlockwise, as miss no value by more than its tolerance ((side + 1) ** 2, k)."""
        errors = np.zeros(self._vertices, np.float32)
        for number in reversed(range(len(self._levels))):
            a, b, c = self._levels[number]
            middle = (a + b) // 2
            error = (self._missed[number] / tolerance[middle]).max(1)
            if number + 1 < len(self._levels):
                error = np.maximum(error, np.maximum(errors[(a + c) // 2], errors[(b + c) // 2]))
            if number < self._always_split:
                error = np.full(len(a), np.inf, np.float32)
            np.maximum.at(errors, middle, error)
        return _extracted(self._levels[0], errors, len(self._levels))


def _levels(side: int) -> list[Triangles]:
    """All triangles of each size, from the two that are the whole grid to those that cannot be split."""
    last = (side + 1) ** 2 - 1
    level = _roots(side, last)
    levels = []
    for _ in range(2 * side.bit_length() - 2):
        levels.append(level)
        level = _halves(level)
    return levels


def _roots(side: int, last: int) -> Triangles:
    return np.array([0, last], np.int32), np.array([last, 0], np.int32), np.array([side, last - side], np.int32)


def _halves(triangles: Triangles) -> Triangles:
    a, b, c = triangles
    middle = (a + b) // 2
    return np.concatenate([c, b]), np.concatenate([a, c]), np.concatenate([middle, middle])


def _extracted(roots: Triangles, errors: npt.NDArray[np.float32], levels: int) -> Indices:
    whole = []
    level = roots
    for _ in range(levels):
        a, b, c = level
        split = errors[(a + b) // 2] > 1
        whole.append(np.stack([part[~split] for part in (a, c, b)], 1))
        level = _halves((a[split], b[split], c[split]))
    whole.append(np.stack([level[0], level[2], level[1]], 1))
    return np.concatenate(whole)
