"""An epoch's images and variations, cut into steps and prepared while others are learned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import TypeVar

import keras
import numpy as np
import numpy.typing as npt

from training.data.variations import Variations
from training.run.steps.learner import Steps

Item = TypeVar("Item")


def cut_epoch(
    numbers: npt.NDArray[np.int32],
    variations: Variations,
    steering: npt.NDArray[np.float32],
    rates: npt.NDArray[np.float32],
    shares: npt.NDArray[np.float32],
    batch: int,
    at_once: int,
) -> Iterator[tuple[Steps, int]]:
    """Yield an epoch's steps, `at_once` together, and how many of them are to be learned; the last ones may be filler.

    numbers, variations, steering: of the epoch's images, (n,), of which each step gets `batch` and a rest is left out.
    rates, shares: of each step.
    """

    def by_step(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return values[: batch * len(rates)].reshape(len(rates), batch, *values.shape[1:])

    whole = Steps(by_step(numbers), Variations(*map(by_step, variations)), by_step(steering[:, None]), rates, shares)
    for first in range(0, len(rates), at_once):
        count = min(at_once, len(rates) - first)
        places = np.minimum(np.arange(first, first + at_once), len(rates) - 1)
        yield keras.tree.map_structure(itemgetter(places), whole), count


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; a thread makes the next one while the caller works on this one."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, iterator, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, iterator, None)
            yield item
