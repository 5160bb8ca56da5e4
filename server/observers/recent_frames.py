"""Keeps the last half minute of all drives in memory, so that the user can still record what has just happened.

It keeps the encoded camera images (13 kB each), not their pixels (154 kB).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from server.core.observer import AnsweredFrame, without_frame

KEPT_S = 30.0
MAX_BYTES = 64_000_000
"""Of images, all simulators together: enough for 30 s of six simulators at 20 Hz."""


class RecentFrames:
    """An Observer that keeps answers of the last KEPT_S seconds, by the clock that stamps them."""

    def __init__(self) -> None:
        self._answers: deque[AnsweredFrame] = deque()
        self._bytes = 0

    def answered(self, answer: AnsweredFrame) -> None:
        """Keep one answer without its pixels, and drop those that have become too old or too many."""
        self._answers.append(replace(answer, telemetry=without_frame(answer.telemetry)))
        self._bytes += len(answer.telemetry.image)
        while self._bytes > MAX_BYTES or not 0 <= answer.time_s - self._answers[0].time_s <= KEPT_S:
            self._bytes -= len(self._answers.popleft().telemetry.image)

    def answers(self) -> list[AnsweredFrame]:
        """The kept answers, oldest first; their frames are empty, their images whole."""
        return list(self._answers)

    @property
    def seconds(self) -> float:
        """Time between the oldest and the newest kept answer."""
        return self._answers[-1].time_s - self._answers[0].time_s if self._answers else 0.0

    def close(self) -> None:
        """Do nothing; nothing is queued."""
