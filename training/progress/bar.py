"""The progress bar of a phase, which one training has for itself or several share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from tqdm import tqdm

from training.run.schedule import Phase


def phase_bar(model: str, phase: Phase, epoch_samples: int, finished_epochs: Sequence[int]) -> tqdm[NoReturn]:
    """Open the bar. epoch_samples: those of an epoch; finished_epochs: how many epochs each training has finished."""
    trainings, epochs = len(finished_epochs), phase.end - phase.first
    done = sum(min(max(finished - phase.first, 0), epochs) for finished in finished_epochs)
    return tqdm(
        total=trainings * epochs * epoch_samples,
        initial=done * epoch_samples,
        unit=" samples",
        unit_scale=True,
        mininterval=1.0,
        desc=f"{model}{', all the road' if phase.whole else ''}{f', {trainings} seeds' if trainings > 1 else ''}",
    )
