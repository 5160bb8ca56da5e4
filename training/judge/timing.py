"""Calls are timed in turns, so that other work of the machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from tqdm import tqdm

ROUNDS = 5
WARM_UP = 3
"""Untimed calls precede each round's timed ones, so that the caches hold what this call needs."""

BATCH_ROUNDS = 3
BATCH_S = 0.2
"""A call with a batch is repeated for so long in each round."""

SLOW_S = 3.0
"""A call that has taken so long has no further round."""

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


def images_a_second(calls: Mapping[Name, Callable[[], object]], batch: int) -> dict[Name, float]:
    """Time calls with batches in BATCH_ROUNDS rounds; returns the images a second of each call's fastest round.

    The calls have run once before, so that they are compiled. batch: images of a call.
    """
    rates: dict[Name, list[float]] = {name: [] for name in calls}
    spent_s = dict.fromkeys(calls, 0.0)
    for _ in tqdm(range(BATCH_ROUNDS), desc="batches", unit=" round"):
        for name, call in calls.items():
            if spent_s[name] > SLOW_S:
                continue
            count, start = 0, time.perf_counter()
            while (passed_s := time.perf_counter() - start) < BATCH_S or not count:
                call()
                count += 1
            spent_s[name] += passed_s
            rates[name].append(count * batch / passed_s)
    return {name: max(values) for name, values in rates.items()}


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)
