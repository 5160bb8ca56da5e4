"""The write-up's pictures: what the three cameras saw, how steering was balanced, what training showed, how it went."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from protocol.arrays import Float64Array
from protocol.images import decode_image
from training.data.samples import TRAIN, Drive, draw_epoch
from training.preview import preview
from training.run.figures import save_figure
from training.run.run_folder import RunError
from training.writeup.finished_run import FinishedRun

CAMERAS = ("centre", "left", "right")
"""In the order of `Drive.images`."""

LEFT_TO_RIGHT = (1, 0, 2)

BINS = np.linspace(-1.025, 1.025, 42)
BLUE = "#2a6fb0"

VIEWS, BALANCE, VARIATIONS, CURVES, MAP = "views.png", "balance.png", "variations.png", "curves.png", "map.png"


def draw_pictures(run: FinishedRun, folder: Path) -> None:
    """Write all pictures of a run but the drive's map. Raises OSError, and RunError for a run without curves."""
    draw_views(run.drives, folder / VIEWS)
    draw_balance(run, folder / BALANCE)
    preview(run.settings, run.drives, folder / VARIATIONS)
    try:
        shutil.copyfile(run.folder / CURVES, folder / CURVES)
    except FileNotFoundError:
        raise RunError(f"there is no {run.folder / CURVES}, which training draws after each epoch") from None


def draw_views(drives: Sequence[Drive], path: Path) -> None:
    """Draw what all cameras saw in three rows: a bend to the left, a straight, and a bend to the right."""
    images = np.concatenate([drive.images for drive in drives])
    steering = np.concatenate([drive.steering for drive in drives])
    cameras = [camera for camera in LEFT_TO_RIGHT if (images[:, camera] != "").all()]
    figure = Figure(figsize=(3.4 * len(cameras), 5.6), layout="constrained")
    grid = figure.subplots(3, len(cameras), squeeze=False)
    for line, row in zip(grid, typical_rows(steering), strict=True):
        for axes, camera in zip(line, cameras, strict=True):
            axes.imshow(decode_image(Path(images[row, camera]).read_bytes()))
            axes.set_title(f"{CAMERAS[camera]} camera, steering {steering[row]:+.2f}", fontsize=10)
            axes.axis("off")
    save_figure(figure, path, dpi=80)


def typical_rows(steering: Float64Array) -> tuple[int, int, int]:
    """Return the numbers of a row in a bend to the left, of the straightest, and of one to the right; (n,) of -1..1."""
    order = np.argsort(steering, kind="stable")
    return int(order[order.size // 50]), int(np.argmin(np.abs(steering))), int(order[-1 - order.size // 50])


def draw_balance(run: FinishedRun, path: Path) -> None:
    """Draw histograms of the steering: as recorded, and as the first epoch draws it from the rows to learn."""
    recorded, learned = recorded_steering(run), learned_steering(run)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = (
        (recorded, f"as recorded: {recorded.size:,} rows"),
        (learned, f"as drawn for an epoch: {learned.size:,} images"),
    )
    for axes, (steering, title) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        axes.hist(steering, bins=list(BINS), weights=np.full(steering.size, 100 / steering.size), color=BLUE)
        axes.set(title=title, xlabel="steering, -1 left to 1 right")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("% of them")
    save_figure(figure, path)


def recorded_steering(run: FinishedRun) -> Float64Array:
    """Return the steering of all usable rows as recorded, (n,) of -1..1."""
    return np.concatenate([drive.steering for drive in run.drives])


def learned_steering(run: FinishedRun) -> Float64Array:
    """Return the targets of the first epoch's images, (n,) of -1..1, before they are varied."""
    targets: npt.NDArray[np.float64] = draw_epoch(run.drives, run.recipe, run.settings.seed, 0, (TRAIN,))[1]
    return targets
