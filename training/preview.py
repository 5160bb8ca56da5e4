"""What a model is shown in training, on one page: images of a recording, what is made of them, and the steering.

An augmentation with a wrong sign or too much of it teaches a car to leave the road, and no loss says so; here one sees
whether the drawn path still leads along the lane, or back into it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from training.data.augment import as_image, augment, brightness, shadow
from training.data.hood import other_hood
from training.data.pipeline import images
from training.data.viewpoint import Rows, path_columns, rows_to_read, seen_from, steered_back
from training.run.figures import save_figure
from training.run.recipe import Recipe

COLUMNS = 5
"""Images on the page: from a hard left to a hard right, without the hardest, which are turns on the spot."""

AS_DRAWN = 3
"""How many draws of all together, as training makes them."""

SHOWN = {"shift_m": 0.5, "turn_deg": 3.0, "other_hood": True}
"""Strengths at which to show what the recipe leaves off."""


class Tile(NamedTuple):
    """One picture of the page: what was done to it, uint8 (rows, 320, 3), and the steering that goes with it."""

    name: str
    image: npt.NDArray[np.uint8]
    steering: float


def draw_preview(
    paths: npt.NDArray[np.str_],
    targets: npt.NDArray[np.float64],
    others: npt.NDArray[np.uint8],
    rows: Rows,
    recipe: Recipe,
    seed: int,
    out: Path,
) -> None:
    """Write the page as a PNG. paths, targets: an epoch's draw, (n,), of which COLUMNS are shown; rows: of the crop.

    others: hoods to exchange its images' for.
    """
    order = np.argsort(targets, kind="stable")
    chosen = order[(np.linspace(0.02, 0.98, COLUMNS) * (order.size - 1)).round().astype(int)]
    read = rows_to_read(rows, _shown(recipe))
    frames = np.concatenate(list(images(paths[chosen], read, COLUMNS)))
    columns = [
        varieties(frame, target, rows, recipe, seed + place, others)
        for place, (frame, target) in enumerate(zip(frames, targets[chosen], strict=True))
    ]
    narrow = ConstrainedLayoutEngine(h_pad=0.02, w_pad=0.02)
    figure = Figure(figsize=(3.1 * COLUMNS + 1.6, 0.68 * len(columns[0]) + 0.5), layout=narrow)
    grid = figure.subplots(len(columns[0]), COLUMNS, squeeze=False)
    for place, tiles in enumerate(columns):
        for axes, tile in zip(grid[:, place], tiles, strict=True):
            _draw(axes, tile, rows)
            if place == 0:
                axes.set_ylabel(tile.name, rotation=0, ha="right", va="center")
    figure.suptitle("What training shows the model. Yellow: where the car goes if it steers as taught")
    save_figure(figure, out, dpi=80)


def varieties(frame: Any, target: float, rows: Rows, recipe: Recipe, seed: int, others: Any) -> list[Tile]:
    """An image as it is, with each variety alone at its strongest, and with all together as training draws them.

    frame: the rows of it that `rows_to_read` names for the strengths shown, uint8; target: its steering;
    others: hoods of other frames.
    """
    shown = _shown(recipe)
    read = rows_to_read(rows, shown)
    crop, any_seed, steering = _part(frame, read, rows), np.array([seed, 0], np.int32), tf.constant(target, tf.float32)
    pixels = tf.cast(crop, tf.float32)

    def off(name: str) -> str:
        return "" if getattr(shown, name) == getattr(recipe, name) else " (off)"

    made: list[tuple[str, Any, Any]] = [("as it is", crop, steering), ("flip", crop[:, ::-1], -steering)]
    made += [
        (f"light x {factor:g}", as_image(brightness(pixels, any_seed, factor, factor)), steering)
        for factor in (recipe.brightness_low, recipe.brightness_high)
    ]
    made.append((f"other hood{off('other_hood')}", as_image(other_hood(pixels, others, any_seed)), steering))
    made.append(("shadow", as_image(shadow(pixels, any_seed, 1.0)), steering))
    for name, unit, shift_m, turn_deg in (("shift_m", " m", 1, 0), ("turn_deg", "°", 0, 1)):
        for side, way in ((-1, "left"), (1, "right")):
            moved = (side * shift_m * shown.shift_m, side * turn_deg * math.radians(shown.turn_deg))
            image = as_image(seen_from(frame, *moved, read, rows))
            label = f"{getattr(shown, name):g}{unit} {way}{off(name)}"
            made.append((label, image, steered_back(steering, *moved, recipe)))
    for draw in range(1, AS_DRAWN + 1):
        source = _part(frame, read, rows_to_read(rows, recipe))
        made.append(("as trained", *augment(source, steering, np.array([seed, draw], np.int32), recipe, rows, others)))
    return [Tile(name, np.asarray(image), float(angle) + 0.0) for name, image, angle in made]


def _shown(recipe: Recipe) -> Recipe:
    """The recipe, with what it leaves off at a strength worth seeing."""
    off: dict[str, Any] = {name: strength for name, strength in SHOWN.items() if not getattr(recipe, name)}
    return replace(recipe, **off)


def _part(frame: Any, read: Rows, rows: Rows) -> Any:
    return frame[rows[0] - read[0] : rows[1] - read[0]]


def _draw(axes: Axes, tile: Tile, rows: Rows) -> None:
    axes.imshow(tile.image)
    columns = path_columns(tile.steering, rows)
    axes.plot(columns - 0.5, np.arange(columns.size), color="#ffe14a", linewidth=1.6)
    axes.text(3, 3, f"{tile.steering:+.2f}", color="white", va="top", fontsize=9, backgroundcolor="#00000080")
    axes.set(xlim=(-0.5, tile.image.shape[1] - 0.5), ylim=(tile.image.shape[0] - 0.5, -0.5), xticks=[], yticks=[])
