"""Keeps the latency of the latest answers in constant memory and computes its percentiles."""

from __future__ import annotations

import numpy as np


class LatencyLog:
    """Milliseconds of the last `size` answers. `count`: all answers so far."""

    def __init__(self, size: int = 10_000) -> None:
        self._ring = np.zeros(size, np.float32)
        self.count = 0

    def add(self, milliseconds: float) -> None:
        """Add one answer's latency."""
        self._ring[self.count % len(self._ring)] = milliseconds
        self.count += 1

    def percentiles(self) -> dict[str, float]:
        """p50, p90, p99 and max in milliseconds; empty before the first answer."""
        if not self.count:
            return {}
        latest = self._ring[: self.count]
        values = [*np.percentile(latest, (50, 90, 99)), latest.max()]
        return {name: round(float(v), 3) for name, v in zip(("p50", "p90", "p99", "max"), values, strict=True)}
