"""Keeps which simulators were refused, why and how often, for the log, the page and the metrics.

A refused simulator shows its user nothing and tries again at once, without end. Only the server can say why its car
does not move.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEPT = 100
"""Pairs of address and reason; a new one beyond this replaces the oldest."""

RECENT_S = 10.0


@dataclass(slots=True)
class RefusedSimulator:
    """One address and the reason of its refusals. count: attempts so far; last_s: the latest, by time.monotonic."""

    address: str
    reason: str
    count: int = 0
    last_s: float = 0.0

    def __str__(self) -> str:
        times = f" ({self.count} attempts so far)" if self.count > 1 else ""
        return f"a simulator at {self.address} is refused{times}: {self.reason}"


class Refusals:
    """The latest refusals. `total`: attempts of all simulators so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: OrderedDict[tuple[str, str], RefusedSimulator] = OrderedDict()
        self.total = 0

    def note(self, address: str, reason: str) -> None:
        """Count one attempt."""
        self.total += 1
        key = (address, reason)
        simulator = self._refused.setdefault(key, RefusedSimulator(address, reason))
        simulator.count += 1
        simulator.last_s = self._clock()
        self._refused.move_to_end(key)
        if len(self._refused) > MAX_KEPT:
            self._refused.popitem(last=False)

    def recent(self) -> list[RefusedSimulator]:
        """The simulators that tried in the last RECENT_S seconds, the earliest first."""
        since_s = self._clock() - RECENT_S
        return [simulator for simulator in self._refused.values() if simulator.last_s >= since_s]
