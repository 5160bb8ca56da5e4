"""Which epochs a training has, what each may learn from, and how fast it learns in them.

First comes the road that is not held out, then, once that is measured, all of it: once, or after each round of
corrections. Every stretch of epochs has a warm-up and a cosine of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.run.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs `first` to `end` - 1. whole: whether they learn the held-out road too; round: 0, then 1, 2, ..."""

    round: int
    first: int
    end: int
    learning_rate: float

    @property
    def whole(self) -> bool:
        """Whether the held-out road is learned too."""
        return self.round > 0


def phases(recipe: Recipe, dagger: int) -> list[Phase]:
    """The first epochs, and a refit after them; with corrections, a refit after each of the `dagger` rounds."""
    found = [Phase(0, 0, recipe.epochs, recipe.learning_rate)]
    for number in range(1, max(1, dagger) + 1 if recipe.refit_epochs else 1):
        end = found[-1].end
        found.append(Phase(number, end, end + recipe.refit_epochs, recipe.refit_learning_rate))
    return found


def learning_rate(peak: float, step: int, steps: int, warm_up: float, last: float) -> float:
    """At `step` of `steps`: from 0 up to `peak` in the share `warm_up`, then a cosine to the share `last` of it."""
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return peak * (step + 1) / rising
    share = (step - rising) / max(1, steps - rising)
    return peak * (last + (1 - last) * (1 + math.cos(math.pi * share)) / 2)


def best_epoch(history: Sequence[Mapping[str, float]]) -> int:
    """The number, from 1, of the epoch of the least validation loss; 0 before the first."""
    losses = [row["val_loss"] for row in history]
    return 1 + losses.index(min(losses)) if losses else 0
