"""The schedule says which epochs a training has, which road each learns, and at which rate.

The first phase learns the road that is not held out, and is then measured. A refit then learns all of the road, once or
after each round of corrections. Every phase has its own warm-up and cosine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.run.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase has the epochs `first` to `end` - 1. round: 0 for the first phase, then 1, 2, ... for the refits."""

    round: int
    first: int
    end: int
    learning_rate: float

    @property
    def whole(self) -> bool:
        """Whether this phase also learns the held-out road."""
        return self.round > 0


def phases(recipe: Recipe, dagger: int) -> list[Phase]:
    """List the first phase and one refit; with corrections, one refit after each of the `dagger` rounds."""
    plan = [Phase(0, 0, recipe.epochs, recipe.learning_rate)]
    for number in range(1, max(1, dagger) + 1 if recipe.refit_epochs else 1):
        end = plan[-1].end
        plan.append(Phase(number, end, end + recipe.refit_epochs, recipe.refit_learning_rate))
    return plan


def learning_rate(peak: float, step: int, steps: int, warm_up: float, last: float) -> float:
    """The rate at `step` of `steps`: it rises to `peak` in the share `warm_up`, then falls to `last` times `peak`."""
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return peak * (step + 1) / rising
    share = (step - rising) / max(1, steps - rising)
    return peak * (last + (1 - last) * (1 + math.cos(math.pi * share)) / 2)


def learning_rates(phase: Phase, epoch: int, steps: int, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return the rates of the `steps` steps of one of the phase's epochs, (steps,)."""
    first, total = (epoch - phase.first) * steps, (phase.end - phase.first) * steps
    return np.array(
        [
            learning_rate(phase.learning_rate, step, total, recipe.warm_up, recipe.last_rate)
            for step in range(first, first + steps)
        ],
        np.float32,
    )


def best_epoch(history: Sequence[Mapping[str, float]]) -> int:
    """The number, from 1, of the epoch with the least validation loss; 0 before the first epoch."""
    losses = [row["val_loss"] for row in history]
    return 1 + losses.index(min(losses)) if losses else 0
