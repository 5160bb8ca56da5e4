"""A UnityScene of a few triangles: a level road, a wall far ahead, and one plant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.unity.unity_scene import (
    Fog,
    Light,
    Material,
    MeshPart,
    Picture,
    Plants,
    Terrain,
    TerrainLayer,
    UnityScene,
)

ROAD_RGB, WALL_RGB, PLANT_RGB = (200, 100, 50), (40, 160, 80), (250, 10, 10)
DOWN = Light((0.0, 0.0, -1.0), (0.5, 0.6, 0.7))
NORTH = Light((0.0, 1.0, 0.0), (0.25, 0.25, 0.25))
FOG = Fog((0.2, 0.4, 0.8), 100.0, 500.0)
WALL_M, PLANT_M = 300.0, 20.0


def plain(rgb: tuple[int, int, int], alpha: int | None = None) -> Picture:
    """A picture of one colour."""
    values = rgb if alpha is None else (*rgb, alpha)
    return Picture("plain", np.tile(np.array(values, np.uint8), (8, 8, 1)))


def quad(
    name: str, material: str, corners: list[tuple[float, float, float]], normal: tuple[float, float, float]
) -> MeshPart:
    """Four corners, anticlockwise."""
    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    triangles = np.array([(0, 1, 2), (0, 2, 3)], np.uint32)
    return MeshPart(
        name, material, np.array(corners, np.float32), np.tile(np.array(normal, np.float32), (4, 1)), uv, triangles
    )


def half_plant() -> Picture:
    """A picture whose left half is a hole."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:] = (*PLANT_RGB, 255)
    return Picture("plant", pixels)


def land(layer: TerrainLayer, slope: float = 0.0, plants: tuple[Plants, ...] = ()) -> Terrain:
    """Land of 64 x 64 m, 5 m below the road, that rises to the right by `slope`."""
    heights = np.tile((np.arange(65) - 32) * slope - 5.0, (65, 1)).astype(np.float32)
    return Terrain((-32.0, -32.0), (1.0, 1.0), heights, np.full((64, 64, 1), 255, np.uint8), (layer,), plants)


def tiny_scene(fog: Fog | None = FOG, with_plant: bool = True) -> UnityScene:
    """The road lies along y, 20 m wide; the wall stands across it at WALL_M; the plant stands at PLANT_M."""
    road = quad("road", "road", [(-10, -50, 0), (10, -50, 0), (10, WALL_M, 0), (-10, WALL_M, 0)], (0, 0, 1))
    wall = quad(
        "wall", "wall", [(-200, WALL_M, 0), (200, WALL_M, 0), (200, WALL_M, 60), (-200, WALL_M, 60)], (0, -1, 0)
    )
    one = np.ones(1, np.float32)
    plant = Plants(
        "plant", half_plant(), np.array([(0, PLANT_M, 0)], np.float32), 4 * one, 4 * one, np.ones((1, 3), np.float32)
    )
    materials = {
        "road": Material("road", (1.0, 1.0, 1.0), plain(ROAD_RGB)),
        "wall": Material("wall", (1.0, 1.0, 1.0), plain(WALL_RGB)),
    }
    terrain = land(TerrainLayer(plain((90, 90, 30)), (4.0, 4.0)), plants=(plant,) if with_plant else ())
    return UnityScene("tiny", (road, wall), materials, (terrain,), (DOWN, NORTH), (0.0, 0.0, 0.0), fog)


def without_lights(scene: UnityScene) -> UnityScene:
    """The same in the dark, with an ambient light of 0.5."""
    return replace(scene, lights=(Light((0.0, 0.0, -1.0), (0.0, 0.0, 0.0)),), ambient=(0.5, 0.5, 0.5))
