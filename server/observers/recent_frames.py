"""The last half minute of all drives, kept in memory, so that what has just happened can still be recorded.

Camera images are kept as they came (13 kB), not as pixels (154 kB).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from server.core.observer import Answered

KEPT_S = 30.0
MAX_BYTES = 64_000_000
"""Of images, all simulators together: two minutes of one at 20 Hz, or all 30 s of six."""

_NO_FRAME = np.empty((0, 0, 3), np.uint8)


class RecentFrames:
    """An Observer that keeps answers of the last KEPT_S seconds, by the clock that stamps them."""

    def __init__(self) -> None:
        self._kept: deque[Answered] = deque()
        self._bytes = 0

    def answered(self, answer: Answered) -> None:
        """Keep one answer, without its pixels, and drop what has become too old or too much."""
        self._kept.append(replace(answer, telemetry=replace(answer.telemetry, frame=_NO_FRAME)))
        self._bytes += len(answer.telemetry.image)
        while self._bytes > MAX_BYTES or not 0 <= answer.time_s - self._kept[0].time_s <= KEPT_S:
            self._bytes -= len(self._kept.popleft().telemetry.image)

    def moments(self) -> list[Answered]:
        """What is kept, oldest first; their frames are empty, their images whole."""
        return list(self._kept)

    @property
    def seconds(self) -> float:
        """How much of the past is kept."""
        return self._kept[-1].time_s - self._kept[0].time_s if self._kept else 0.0

    def close(self) -> None:
        """Nothing is queued."""
