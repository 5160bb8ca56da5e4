"""Calls are timed in turns, so that other work of the machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from tqdm import tqdm

ROUNDS = 5
WARM_UP = 3
"""Untimed calls precede each round's timed ones, so that the caches hold what this call needs."""

Name = TypeVar("Name", bound=Hashable)


def milliseconds(calls: Mapping[Name, Callable[[], object]], counts: Mapping[Name, int]) -> dict[Name, list[float]]:
    """Time all calls in ROUNDS rounds; returns each call's milliseconds, ROUNDS times its count of values, in order.

    counts: how often each call is timed in a round, by its name.
    """
    times: dict[Name, list[float]] = {name: [] for name in calls}
    for _ in tqdm(range(ROUNDS), desc="milliseconds", unit=" round"):
        for name, call in calls.items():
            for _ in range(WARM_UP):
                call()
            times[name] += [_milliseconds(call) for _ in range(counts[name])]
    return times


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)
