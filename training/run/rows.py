"""Before a training begins, it says how its recordings are split, and refuses too few rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.data.samples import HELD_OUT, TRAIN, Drive, load_drives, load_whole
from training.run.run import TrainingSettings
from training.run.run_folder import RunError


def open_recordings(settings: TrainingSettings) -> tuple[list[Drive], list[Drive]]:
    """Read the recordings to train on, and those held out whole, and print how their rows are split.

    Raises RecordingError for bad data, and RunError for too few rows.
    """
    recipe = settings.recipe
    drives = load_drives([Path(name) for name in settings.recordings], recipe, settings.lap_m, settings.seed)
    also = load_whole([Path(name) for name in settings.also], recipe, TRAIN)
    experts = load_whole([Path(name) for name in settings.experts], recipe, TRAIN, by_expert=True)
    tests = load_whole([Path(name) for name in settings.tests], recipe, HELD_OUT)
    check_split(drives, [*also, *experts, *tests], recipe.batch)
    return [*drives, *also, *experts], tests


def check_split(drives: Sequence[Drive], others: Sequence[Drive], batch: int) -> None:
    """Print for each recording how many rows are learned, held out, between the two, and of unknown place.

    drives: those of which a part is held out. Raises RunError where fewer than two batches of their rows are learned or
    held out.
    """
    for drive in [*drives, *others]:
        train_rows, guard_rows, held_out_rows = np.bincount(drive.part, minlength=3)
        print(
            f"{drive.name}: {train_rows} rows to train on, {held_out_rows} held out, {guard_rows} between them,"
            f" {drive.unplaced} of unknown place"
        )
    for part, purpose in ((TRAIN, "train on"), (HELD_OUT, "test on")):
        rows = sum(int((drive.part == part).sum()) for drive in drives)
        if rows < 2 * batch:
            raise RunError(f"{rows} rows to {purpose} are too few; at least {2 * batch} are needed")
