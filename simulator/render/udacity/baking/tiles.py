"""Triangles cut into square tiles of the ground, coarser ones for tiles far away, so that drawing costs little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.unity.unity_scene import Floats

Corners = npt.NDArray[np.uint32]
Tile = tuple[int, int]


class TileGrid(NamedTuple):
    """Where tiles lie: a corner of one, and their sides in metres."""

    origin: tuple[float, float] = (0.0, 0.0)
    sides_m: tuple[float, float] = (64.0, 64.0)


TILE_GRID = TileGrid()


@dataclass(frozen=True, eq=False, slots=True)
class Mesh:
    """Vertices and triangles. columns: arrays with a row for each vertex, of which `places` (n, 3) is one."""

    columns: dict[str, np.ndarray]
    corners: Corners

    def part(self, triangles: npt.NDArray[np.intp]) -> Mesh:
        """Some of the triangles, with only the vertices that they use, and in the order of these.

        So neighbours follow one another, and a driver that computes vertices in groups computes few of them twice.
        """
        used, corners = np.unique(self.corners[triangles], return_inverse=True)
        corners = corners.reshape(-1, 3)
        ordered = corners[np.argsort(corners.min(1), kind="stable")]
        return Mesh({name: column[used] for name, column in self.columns.items()}, _corners(ordered))


def joined(meshes: list[Mesh]) -> Mesh:
    """One mesh of several with the same columns."""
    starts = np.cumsum([0] + [len(mesh.columns["places"]) for mesh in meshes[:-1]])
    columns = {name: np.concatenate([mesh.columns[name] for mesh in meshes]) for name in meshes[0].columns}
    corners = [mesh.corners + np.uint32(start) for mesh, start in zip(meshes, starts, strict=True)]
    return Mesh(columns, _corners(np.concatenate(corners)))


def tiles(mesh: Mesh, grid: TileGrid = TILE_GRID) -> dict[Tile, Mesh]:
    """Cut a mesh into tiles by the middles of its triangles."""
    places: Floats = mesh.columns["places"]
    tile = np.floor((places[mesh.corners, :2].mean(1) - grid.origin) / grid.sides_m).astype(np.int64)
    names, number = np.unique(tile, axis=0, return_inverse=True)
    order = np.argsort(number.reshape(-1), kind="stable")
    ends = np.flatnonzero(np.diff(number.reshape(-1)[order])) + 1
    parts = np.split(order, ends)
    return {(int(x), int(y)): mesh.part(triangles) for (x, y), triangles in zip(names, parts, strict=True)}


def skirted(mesh: Mesh, hang_m: float) -> Mesh:
    """The mesh with its edges hanging down, which hides the gaps between it and a finer or coarser neighbour."""
    sides = np.concatenate([mesh.corners[:, [0, 1]], mesh.corners[:, [1, 2]], mesh.corners[:, [2, 0]]]).astype(np.int64)
    count = len(mesh.columns["places"])
    key = sides.min(1) * count + sides.max(1)
    _, first, uses = np.unique(key, return_index=True, return_counts=True)
    edges = sides[first[uses == 1]]
    rim, ends = np.unique(edges, return_inverse=True)
    below = {name: column[rim] for name, column in mesh.columns.items()}
    below["places"] = below["places"] - np.array((0, 0, hang_m), np.float32)
    low = count + ends.reshape(-1, 2)
    hanging = np.stack([edges[:, 1], edges[:, 0], low[:, 0], edges[:, 1], low[:, 0], low[:, 1]], 1)
    columns = {name: np.concatenate([column, below[name]]) for name, column in mesh.columns.items()}
    return Mesh(columns, np.concatenate([mesh.corners, _corners(hanging)]))


def simplified(mesh: Mesh, cell_m: float) -> Mesh:
    """Vertices of a page within a cell of this size become one, with their mean light; flat triangles vanish."""
    page = mesh.columns["texture"][:, 2]
    cell = np.column_stack([np.floor(mesh.columns["places"] / cell_m), page])
    _, first, number = np.unique(cell, axis=0, return_index=True, return_inverse=True)
    number = number.reshape(-1)
    columns = {name: column[first] for name, column in mesh.columns.items()}
    light = np.stack([np.bincount(number, channel) for channel in mesh.columns["color"].T], 1)
    columns["color"] = (light / np.bincount(number)[:, None] + 0.5).astype(np.uint8)
    corners = number[mesh.corners]
    a, b, c = corners.T
    alive = corners[(a != b) & (b != c) & (c != a)]
    _, once = np.unique(np.sort(alive, axis=1), axis=0, return_index=True)
    whole = Mesh(columns, _corners(alive[np.sort(once)]))
    return whole.part(np.arange(len(whole.corners)))


class Level(NamedTuple):
    """A tile's mesh, drawn from this distance of the camera on, up to the next level's."""

    mesh: Mesh
    from_m: float


@dataclass(frozen=True, eq=False, slots=True)
class Surface:
    """Tiles that are drawn alike, each with its levels, the finest first."""

    tiles: tuple[tuple[Level, ...], ...] = ()


def surface(
    meshes: Sequence[Mesh], from_m: Sequence[float] = (0.0,), skirt_m: float = 0.0, grid: TileGrid = TILE_GRID
) -> Surface:
    """Cut the same thing at several levels, the finest first, into tiles; a level that saves nothing is left out.

    skirt_m: how far the edges of coarse tiles hang down.
    """
    levels: dict[Tile, list[Level]] = {}
    for mesh, start_m in zip(meshes, from_m, strict=True):
        for tile, part in tiles(mesh, grid).items():
            finer = levels.setdefault(tile, [])
            if not finer or len(part.corners) < len(finer[-1].mesh.corners):
                finer.append(Level(part, start_m))
    return Surface(tuple(tuple(_skirted(parts, skirt_m)) for parts in levels.values()))


def _skirted(levels: list[Level], skirt_m: float) -> list[Level]:
    if not skirt_m:
        return levels
    return levels[:1] + [Level(skirted(level.mesh, skirt_m), level.from_m) for level in levels[1:]]


def _corners(indices: np.ndarray) -> Corners:
    return np.ascontiguousarray(indices.reshape(-1, 3).astype(np.uint32))
