"""How far plants are: as far as the land at their feet in the picture, and no nearer than their grove."""

from __future__ import annotations

import numpy as np
from panda3d.core import NodePath

from protocol.messages import FRAME_ROWS
from simulator.render.weather.channels import Bytes
from simulator.render.weather.codes import LEAST_DISTANCE, MOST, codes_of, distances_m, mark

NEAREST_M = (0.0, 40.0, 80.0, 130.0, 200.0)
"""Groves are told apart by these distances, at which their nearest plants stand at least."""

PLANT = 255
"""The code of a near grove; the next ones have the codes below."""

CROWN_PX, CROWN_M = (1, 3, 8, 20), (200.0, 100.0, 60.0, 35.0)
"""Columns by which crowns reach beyond their trunks, one step after the other, and the distance up to which they do."""


class Groves:
    """Marks the groves of a scenery, one in each tile of its mesh, by how far away they are."""

    def __init__(self, scenery: NodePath) -> None:
        self._groves = [*scenery.find_all_matches("**/plants/**/+GeomNode")]
        corners = [[(p.x, p.y) for p in grove.get_tight_bounds()] for grove in self._groves]
        corner = np.array(corners, np.float64).reshape(-1, 2, 2)
        self._middle, self._half = corner.mean(1), (corner[:, 1] - corner[:, 0]) / 2
        self._kinds = np.full(len(self._groves), -1)

    def place(self, x: float, y: float, cos: float, sin: float) -> None:
        """Mark them for a car here that heads to (cos, sin)."""
        ahead_m = (self._middle - (x, y)) @ (cos, sin) - self._half @ (abs(cos), abs(sin))
        kinds = np.searchsorted(NEAREST_M[1:], ahead_m, side="right")
        for number in np.flatnonzero(kinds != self._kinds):
            mark(self._groves[number], PLANT - int(kinds[number]))
        self._kinds = kinds


def plants_stand(code: Bytes) -> Bytes:
    """Codes (rows, columns) of a picture with those of plants replaced by those of their distance."""
    scale = len(code) // FRAME_ROWS
    standing = code.copy()
    rows = np.flatnonzero((standing > MOST).any(1))
    if len(rows):
        plants = standing[: rows[-1] + scale + 1]
        distances = _distances(plants[::scale, ::scale].copy()).repeat(scale, 0).repeat(scale, 1)[: len(plants)]
        np.copyto(plants, distances, where=plants > MOST)
    return standing


def _distances(code: Bytes) -> Bytes:
    """The codes of plants' distances where plants are, at the simulator's own size; the last row has none."""
    rows, columns = code.shape
    plant = code > MOST
    foot = np.where(plant, np.int16(rows - 1), np.arange(rows, dtype=np.int16)[:, None])
    for row in range(rows - 2, -1, -1):
        np.minimum(foot[row], foot[row + 1], out=foot[row])
    standing = np.take(_LAND, np.take(code, foot.astype(np.intp) * columns + np.arange(columns)))
    for step, least in zip(CROWN_PX, _CROWNS, strict=True):  # a crown is wider than the trunk below it
        near = standing * (plant & (standing >= least))
        standing[:, step:] = np.maximum(standing[:, step:], near[:, :-step])
        standing[:, :-step] = np.maximum(standing[:, :-step], near[:, step:])
    return np.minimum(standing, np.take(_MOST, code))


_CROWNS = codes_of(np.array(CROWN_M))
_LAND = codes_of(np.where(np.arange(256) < LEAST_DISTANCE, np.inf, distances_m()))
"""The code of land that is as far as each code says; the sky is far."""

_MOST = np.full(256, 255, np.uint8)
_MOST[PLANT - len(NEAREST_M) + 1 :] = codes_of(np.array(NEAREST_M))[::-1]
"""The greatest code that the plants of each grove may have."""
