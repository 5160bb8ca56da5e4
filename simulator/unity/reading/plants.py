"""Trees and grass of a terrain, as upright cards: places, sizes and tints."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from protocol.arrays import Float64Array
from simulator.unity.files.serialised import SerialisedFile
from simulator.unity.project import UnityProject
from simulator.unity.reading.pictures import Box, Pictures, cut
from simulator.unity.unity_scene import Plants, Terrain

MOST_PLANTS = 500_000
MOST_SORTS = 32
LARGEST_MAP = 4096


class TreeCard(NamedTuple):
    """A kind of tree: its billboards in the atlas beside its file, and its size at scale 1."""

    boxes: tuple[Box, ...]
    width_m: float
    height_m: float


TREE_CARDS = {
    "Conifer_Desktop": TreeCard(
        ((0.008, 0.545, 0.195, 1.0), (0.203, 0.545, 0.395, 1.0), (0.406, 0.545, 0.598, 1.0)), 11.9, 29.0
    ),
    "Palm_Desktop": TreeCard(((0.336, 0.765, 0.570, 1.0), (0.790, 0.765, 1.0, 1.0)), 7.5, 8.0),
}
"""SpeedTree's files do not say these in the open: boxes by eye, sizes by recorded frames."""

OTHER_TREE = TreeCard(((0.0, 0.0, 1.0, 1.0),), 6.0, 9.0)


def read_plants(
    project: UnityProject, asset: SerialisedFile, fields: dict[str, Any], land: Terrain, pictures: Pictures
) -> tuple[Plants, ...]:
    """The trees and tufts of a terrain, which stand on `land`. fields: its details. Raises LookupError, ValueError."""
    return (*_trees(project, asset, fields, land, pictures), *_tufts(asset, fields, land, pictures))


def _trees(
    project: UnityProject, asset: SerialisedFile, fields: dict[str, Any], land: Terrain, pictures: Pictures
) -> list[Plants]:
    trees = fields["m_TreeInstances"]
    rows, columns = land.heights.shape
    size = np.array([(columns - 1) * land.cell_m[0], (rows - 1) * land.cell_m[1]])
    shares = np.array([(tree["position"]["x"], tree["position"]["z"]) for tree in trees], np.float64).reshape(-1, 2)
    places = on_ground(land, np.array(land.origin) + shares * size)
    scales = np.array([(tree["widthScale"], tree["heightScale"]) for tree in trees], np.float64).reshape(-1, 2)
    tint = np.array([_rgb(tree["color"]["rgba"]) for tree in trees], np.float32).reshape(-1, 3)
    kind = np.array([int(tree["index"]) for tree in trees], np.int64)
    sorts = []
    for index, prototype in enumerate(fields["m_TreePrototypes"]):
        path = PurePosixPath(project.paths.get(asset.guid(prototype["prefab"]) or "", f"tree {index}"))
        card = TREE_CARDS.get(path.stem, OTHER_TREE)
        atlas = pictures.of_path(str(path.with_name(f"{path.stem}_Atlas_Billboards.tga")), plant=True)
        members = np.flatnonzero(kind == index)
        for view, box in enumerate(card.boxes):
            chosen = members[view :: len(card.boxes)]
            if len(chosen):
                width_m, height_m = (scales[chosen] * [card.width_m, card.height_m]).astype(np.float32).T
                sorts.append(Plants(path.stem, cut(atlas, box), places[chosen], width_m, height_m, tint[chosen]))
    return sorts


def _rgb(rgba: Any) -> tuple[float, float, float]:
    """Red is the lowest byte."""
    value = int(rgba)
    return (value & 255) / 255, (value >> 8 & 255) / 255, (value >> 16 & 255) / 255


def _tufts(asset: SerialisedFile, fields: dict[str, Any], land: Terrain, pictures: Pictures) -> list[Plants]:
    counts = _detail_counts(fields)
    rows, columns = counts.shape[1:]
    height, width = land.heights.shape
    cell_m = np.array([(width - 1) * land.cell_m[0] / columns, (height - 1) * land.cell_m[1] / rows])
    sorts = []
    for index, prototype in enumerate(fields["m_DetailPrototypes"]):
        guid = asset.guid(prototype["prototypeTexture"])
        if guid is None or not counts[index].any():  # a mesh, or none planted
            continue
        row, column = np.nonzero(counts[index])
        repeats = counts[index][row, column]
        corner = np.stack([column, row], 1).repeat(repeats, axis=0)
        rng = np.random.default_rng(index)
        spot = np.array(land.origin) + (corner + rng.random(corner.shape)) * cell_m
        health = rng.random(len(corner))
        dry, healthy = (np.array([prototype[c][k] for k in "rgb"], np.float64) for c in ("dryColor", "healthyColor"))
        sorts.append(
            Plants(
                f"grass {index}",
                pictures.of_guid(guid, plant=True),
                on_ground(land, spot),
                _between(prototype, "minWidth", "maxWidth", health),
                _between(prototype, "minHeight", "maxHeight", health),
                (dry + health[:, np.newaxis] * (healthy - dry)).astype(np.float32),
            )
        )
    return sorts


def _between(fields: dict[str, Any], low: str, high: str, share: Float64Array) -> np.ndarray:
    return (float(fields[low]) + share * (float(fields[high]) - float(fields[low]))).astype(np.float32)


def _detail_counts(fields: dict[str, Any]) -> np.ndarray:
    """uint8 (sorts, rows to the north, columns to the east): how many tufts stand in each cell."""
    patches, side = int(fields["m_PatchCount"]), int(fields["m_PatchSamples"])
    sorts = len(fields["m_DetailPrototypes"])
    if not (0 <= patches * side <= LARGEST_MAP and sorts <= MOST_SORTS):
        raise ValueError(f"{sorts} sorts of grass in {patches} x {patches} patches of {side} x {side} cells")
    counts = np.zeros((sorts, patches * side, patches * side), np.uint8)
    for number, patch in enumerate(fields["m_Patches"]):
        if not len(patch["layerIndices"]):
            continue
        row, column = divmod(number, patches)
        cells = patch["numberOfObjects"].reshape(-1, side, side)
        for sort, content in zip(patch["layerIndices"], cells, strict=True):
            counts[int(sort), row * side : (row + 1) * side, column * side : (column + 1) * side] = content
    if counts.sum() > MOST_PLANTS:
        raise ValueError(f"{counts.sum()} tufts of grass")
    return counts


def on_ground(land: Terrain, spots: Float64Array) -> np.ndarray:
    """float32 (n, 3): places on the land, by bilinear interpolation. spots: (n, 2), x and y in metres."""
    rows, columns = land.heights.shape
    across = np.clip((spots - land.origin) / land.cell_m, 0, [columns - 1.001, rows - 1.001])
    column, row = across.astype(np.int64).T
    right, up = (across - np.stack([column, row], 1)).T
    h = land.heights
    low = h[row, column] * (1 - right) + h[row, column + 1] * right
    high = h[row + 1, column] * (1 - right) + h[row + 1, column + 1] * right
    return np.column_stack([spots, low * (1 - up) + high * up]).astype(np.float32)
