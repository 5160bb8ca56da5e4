"""Judges whether answers are too slow, without flickering: it begins above one limit and ends below a lower one.

At 25 mph with 200 ms added to each answer, `eff` kept to the built-in lake (docs/simulator.md). So the limit lies
there, and a single late answer does not count.
"""

from __future__ import annotations

from server.core.latency import LatencyLog

SLOW_MS = 200.0
CLEAR_MS = 150.0

RECENT = 200
"""Answers that count: about 5 s of driving."""

LEAST = 50
"""Answers before the first judgement; the very first ones are slower."""


class Slowness:
    """Takes the time of every answer, and judges the recent ones by their 90th percentile."""

    def __init__(self) -> None:
        self._recent = LatencyLog(RECENT)
        self._slow = False

    def add(self, milliseconds: float) -> None:
        """Add one answer's latency."""
        self._recent.add(milliseconds)

    def slow_ms(self) -> float | None:
        """Milliseconds that nine of ten recent answers take at most while they are too slow, otherwise None."""
        if self._recent.count < LEAST:
            return None
        p90 = self._recent.percentiles()["p90"]
        self._slow = p90 > (CLEAR_MS if self._slow else SLOW_MS)
        return p90 if self._slow else None
