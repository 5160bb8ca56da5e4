"""What the shipped models learn and are tested on: people's recordings, strangers', and the expert's drives."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from training.run.precision import fast_precision
from training.run.recipe import Recipe
from training.run.run import TrainingSettings
from training.shipped.drives import LEARNED, TESTED, record_missing
from training.shipped.recordings import LAKE, LAP_M, OTHER_TRACKS, STRANGERS, folders


class ShippedData(NamedTuple):
    """Folders of recordings. tests: those of strangers, and the expert's drives that are held out."""

    lake: tuple[str, ...]
    others: tuple[str, ...]
    experts: tuple[str, ...]
    tests: tuple[str, ...]

    def settings(self, model: str, seed: int, recipe: Recipe, rounds: int = 0) -> TrainingSettings:
        """A training on these recordings. rounds: of corrections."""
        return TrainingSettings(
            model, self.lake, seed, LAP_M, fast_precision(), recipe, self.others, self.tests, rounds, self.experts
        )


def shipped_data(recordings: Path, runs: Path) -> ShippedData:
    """Find people's recordings, and record the expert's drives that are missing into `runs`.

    Raises ValueError that names missing recordings, RuntimeError for a drive that failed.
    """
    lake, others, strangers = (folders(recordings, names) for names in (LAKE, OTHER_TRACKS, STRANGERS))
    learned, tested = (
        tuple(str(drive.resolve()) for drive in record_missing(runs / "expert", drives)) for drives in (LEARNED, TESTED)
    )
    return ShippedData(lake, others, learned, (*strangers, *tested))
