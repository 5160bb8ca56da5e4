"""The trials of a search: what each trains, its folder, and what is recorded there.

A trial's folder is the run folder of its training, and holds its scores besides. Its name has a hash of all settings.
So the same command finds the trials of before, and another space begins new ones beside them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.whole_files import write_whole
from training.search.space import Space

if TYPE_CHECKING:
    from training.run.recipe import Recipe
    from training.run.run import TrainingSettings

SCORES, STOPPED, FAILURE = "scores.json", "stopped", "failure.txt"
MAX_SCORES_BYTES, MAX_FAILURE = 4_000_000, 300

Row = dict[str, float]
"""What is known after an epoch: epoch, images, score, offset_m, off_road_per_km, correlation, seconds."""

ROW_NAMES = ("epoch", "images", "score", "offset_m", "off_road_per_km", "correlation", "seconds")


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """number: from 1. values: the searched ones, by name. folder: of its run; model: the network's name.

    settings: the fields of its TrainingSettings, so that nobody needs Keras to read what is recorded.
    """

    number: int
    values: Mapping[str, Any]
    folder: Path
    model: str
    settings: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """How many epochs the trial learns unless ASHA stops it."""
        recipe: Recipe = self.settings["recipe"]
        return recipe.epochs + recipe.refit_epochs

    @property
    def model_file(self) -> Path:
        """The model that the trial writes when it has learned all its epochs."""
        return self.folder / f"{self.model}.h5"

    @property
    def is_finished(self) -> bool:
        """Whether the trial has learned all its epochs."""
        return self.model_file.with_suffix(".json").exists()  # the card is written last

    @property
    def is_stopped(self) -> bool:
        """Whether ASHA has stopped the trial."""
        return (self.folder / STOPPED).exists()

    def rows(self) -> list[Row]:
        """The recorded epochs, none for a file that is not there or not whole."""
        try:
            with (self.folder / SCORES).open("rb") as file:
                rows = json.loads(file.read(MAX_SCORES_BYTES))
            return [{name: _finite(row[name]) for name in ROW_NAMES} for row in rows]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []

    def record(self, rows: Sequence[Row]) -> None:
        """Write the recorded epochs. Raises OSError."""
        write_whole(self.folder / SCORES, json.dumps(rows).encode())

    def record_failure(self, reason: str) -> None:
        """Write why the trial failed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / FAILURE, reason[:MAX_FAILURE].encode())

    def forget_failure(self) -> None:
        """Begin again."""
        (self.folder / FAILURE).unlink(missing_ok=True)

    def failure(self) -> str:
        """Why the trial failed, "" where it did not."""
        try:
            with (self.folder / FAILURE).open("rb") as file:
                return file.read(4 * MAX_FAILURE).decode(errors="replace")
        except OSError:
            return ""


def plan_trials(space: Space, count: int, base: TrainingSettings, folder: Path) -> list[PlannedTrial]:
    """Plan the first `count` trials. base: what all trials have; its seed is the search's, and that of the first trial.

    The other trials have the next seeds. None lets checkpoints drive, because each epoch is judged anyway.
    """
    plans = []
    for number in range(1, count + 1):
        values = space.draw(number, base.seed)
        file = space.recipe_file(values)
        recipe = replace(file.recipe(file.network), driven_checkpoints=0)
        settings = replace(base, model=file.network, seed=base.seed + number - 1, recipe=recipe)
        own = {field.name: getattr(settings, field.name) for field in fields(settings)}
        plans.append(PlannedTrial(number, values, folder / f"{number:03d}-{settings.name()}", file.network, own))
    return plans


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.60} is no number")
    return float(value)
