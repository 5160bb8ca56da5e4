"""Meshes of which coarser ones are drawn far away, tile by tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.render.udacity.tiles import TILE_GRID, Mesh, Tile, TileGrid, skirted, tiles


class Level(NamedTuple):
    """A tile's mesh, drawn from this distance of the camera on, up to the next level's."""

    mesh: Mesh
    from_m: float


@dataclass(frozen=True, eq=False, slots=True)
class Surface:
    """Tiles that are drawn alike, each with its levels, the finest first."""

    tiles: dict[Tile, tuple[Level, ...]]


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
    return Surface({tile: tuple(_skirted(parts, skirt_m)) for tile, parts in levels.items()})


def _skirted(levels: list[Level], skirt_m: float) -> list[Level]:
    if not skirt_m:
        return levels
    return levels[:1] + [Level(skirted(level.mesh, skirt_m), level.from_m) for level in levels[1:]]
