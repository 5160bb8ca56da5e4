"""A preview page shows what a model sees in training: images of a recording, their augmentations, and the steering.

An augmentation that is too strong or has a wrong sign teaches a car to leave the road, and no loss shows it. On this
page the drawn path must still lead along the lane, or back into it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from keras import ops
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from training.data.augment import as_image, augment, light, noise, shadow
from training.data.crops import decode_crops
from training.data.hood import draw_hoods, replace_hood
from training.data.samples import Drive, draw_epoch
from training.data.variations import PIVOT_LEVELS, draw_variations
from training.data.viewpoint import CameraMotion, Rows, path_columns, rows_to_read, steer_back
from training.data.warp import view_from
from training.run.figures import save_figure
from training.run.network import build
from training.run.recipe import Recipe
from training.run.run import TrainingSettings

COLUMNS = 5
"""Images on the page, from a hard left to a hard right; the hardest are left out, because they turn on the spot."""

TRAINING_DRAWS = 3
"""Tiles of each image with all augmentations together, as training draws them."""

PREVIEW_STRENGTHS = {
    "contrast_share": 1.0,
    "noise_share": 1.0,
    "shift_m": 0.5,
    "turn_deg": 3.0,
    "other_hood": True,
    "horizon_rows": (57.0, 62.0),
    "roll_deg": (0.0, 1.5),
}
"""The page shows augmentations that the recipe leaves off at these strengths."""


SHOWN_SHADOW = np.array([[0.7, 0.35, 0.55]], np.float32)
"""The page's one shadow, from 0.7 of the width in the first row to 0.35 in the last."""


class Tile(NamedTuple):
    """One picture of the page: the augmentation's name, the image, uint8 (rows, 320, 3), and its target steering."""

    name: str
    image: npt.NDArray[np.uint8]
    steering: float


def preview(settings: TrainingSettings, drives: Sequence[Drive], out: Path) -> None:
    """Write the page of a training's first epoch. drives: those of its recordings. Raises OSError."""
    recipe, rows = settings.recipe, build(settings.model, settings.recipe, "float32").rows
    others = draw_hoods(np.concatenate([drive.images[:, 0] for drive in drives]), rows, settings.seed)
    draw_preview(*draw_epoch(drives, recipe, settings.seed, 0), others, rows, recipe, settings.seed, out)


def draw_preview(
    paths: npt.NDArray[np.str_],
    targets: npt.NDArray[np.float64],
    others: npt.NDArray[np.uint8],
    rows: Rows,
    recipe: Recipe,
    seed: int,
    out: Path,
) -> None:
    """Write the page as a PNG.

    paths, targets: an epoch's draw, (n,), of which the page shows COLUMNS; rows: those of the crop; others: hoods that
    replace the images' own.
    """
    order = np.argsort(targets, kind="stable")
    selection = order[(np.linspace(0.02, 0.98, COLUMNS) * (order.size - 1)).round().astype(int)]
    read = rows_to_read(rows, _preview_recipe(recipe))
    frames = decode_crops(paths[selection], read)
    columns = [
        make_tiles(frame, target, rows, recipe, seed + place, others)
        for place, (frame, target) in enumerate(zip(frames, targets[selection], strict=True))
    ]
    narrow = ConstrainedLayoutEngine(h_pad=0.02, w_pad=0.02)
    figure = Figure(figsize=(3.1 * COLUMNS + 1.6, 0.68 * len(columns[0]) + 0.5), layout=narrow)
    grid = figure.subplots(len(columns[0]), COLUMNS, squeeze=False)
    for place, tiles in enumerate(columns):
        for axes, tile in zip(grid[:, place], tiles, strict=True):
            _draw(axes, tile, rows)
            if place == 0:
                axes.set_ylabel(tile.name, rotation=0, ha="right", va="center")
    figure.suptitle("What training shows the model. The yellow line is the path that the target steering leads along.")
    save_figure(figure, out, dpi=80)


def make_tiles(frame: Any, target: float, rows: Rows, recipe: Recipe, seed: int, others: Any) -> list[Tile]:
    """Make tiles of the original, of each augmentation alone at full strength, and of all together as training draws.

    frame: the rows that `rows_to_read` names for these strengths, uint8; target: its steering, -1..1;
    others: hoods of other frames.
    """
    strongest = _preview_recipe(recipe)
    read = rows_to_read(rows, strongest)
    crop = _part(frame, read, rows)
    pixels = ops.convert_to_tensor(crop[None].astype(np.float32))

    def off(name: str) -> str:
        return "" if getattr(strongest, name) == getattr(recipe, name) else " (off)"

    def lit(factor: float, offset: float = 0.0) -> Any:
        return as_image(light(pixels, np.array([[factor] * 3 + [offset]], np.float32)))

    def moved(**motion: float) -> Any:
        return as_image(view_from(frame[None], CameraMotion(**motion), read, rows))

    tiles: list[tuple[str, Any, Any]] = [("original", crop[None], target), ("flip", crop[None, :, ::-1], -target)]
    tiles += [
        (f"brightness x {factor:g}", lit(factor), target) for factor in (recipe.brightness_low, recipe.brightness_high)
    ]
    contrast = strongest.contrast_low
    tiles += [
        (f"contrast x {contrast:g}, {kind}{off('contrast_share')}", lit(contrast, (1 - contrast) * pivot), target)
        for kind, pivot in zip(("dark", "bright"), PIVOT_LEVELS, strict=True)
    ]
    noisy = as_image(noise(pixels, np.array([strongest.noise_levels], np.float32), np.array([0], np.int32)))
    tiles.append((f"noise{off('noise_share')}", noisy, target))
    hood = as_image(replace_hood(pixels, others, np.array([seed % len(others)], np.int32)))
    tiles.append((f"other hood{off('other_hood')}", hood, target))
    tiles.append(("shadow", as_image(shadow(pixels, SHOWN_SHADOW)), target))
    for name, unit, shift_m, turn_deg in (("shift_m", " m", 1, 0), ("turn_deg", "°", 0, 1)):
        for side, way in ((-1, "left"), (1, "right")):
            shift = side * shift_m * strongest.shift_m, side * turn_deg * math.radians(strongest.turn_deg)
            label = f"{getattr(strongest, name):g}{unit} {way}{off(name)}"
            image = moved(shift_m=shift[0], turn_rad=shift[1])
            tiles.append((label, image, steer_back(target, *shift, recipe)))
    for horizon_row in strongest.horizon_rows or ():
        tiles.append((f"horizon {horizon_row:g}{off('horizon_rows')}", moved(horizon_row=horizon_row), target))
    for roll_deg in strongest.roll_deg or ():
        tiles.append((f"roll {roll_deg:g}°{off('roll_deg')}", moved(roll_rad=math.radians(roll_deg)), target))
    variations, angles = draw_variations(np.full(TRAINING_DRAWS, target), recipe, rows, len(others), seed, 0)
    sources = np.repeat(_part(frame, read, rows_to_read(rows, recipe))[None], TRAINING_DRAWS, axis=0)
    hoods = others if recipe.other_hood else others[:, :0]
    images = augment(ops.convert_to_tensor(sources), variations, hoods, rows[1] - rows[0])
    tiles += [("as trained", images[draw : draw + 1], angle) for draw, angle in enumerate(angles)]
    return [Tile(name, ops.convert_to_numpy(image)[0], float(angle) + 0.0) for name, image, angle in tiles]


def _preview_recipe(recipe: Recipe) -> Recipe:
    """The recipe, with the augmentations that it leaves off at PREVIEW_STRENGTHS."""
    off: dict[str, Any] = {name: strength for name, strength in PREVIEW_STRENGTHS.items() if not getattr(recipe, name)}
    return replace(recipe, **off)


def _part(frame: Any, read: Rows, rows: Rows) -> Any:
    return frame[rows[0] - read[0] : rows[1] - read[0]]


def _draw(axes: Axes, tile: Tile, rows: Rows) -> None:
    axes.imshow(tile.image)
    columns = path_columns(tile.steering, rows)
    axes.plot(columns - 0.5, np.arange(columns.size), color="#ffe14a", linewidth=1.6)
    axes.text(3, 3, f"{tile.steering:+.2f}", color="white", va="top", fontsize=9, backgroundcolor="#00000080")
    axes.set(xlim=(-0.5, tile.image.shape[1] - 0.5), ylim=(tile.image.shape[0] - 0.5, -0.5), xticks=[], yticks=[])
