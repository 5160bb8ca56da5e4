"""The times of a film: which moments of a drive it shows, and when; those who only hand over load no encoder for it."""

from __future__ import annotations

PAUSE_S = 2.0
"""After this long without a frame the drive has paused: the simulator is paused, has left, or is no longer recorded.

A film then cuts the time, and may follow another simulator; rates of answers begin anew.
"""

SHOWN_PAUSE_S = 0.5
"""What a film shows of a pause."""


class Timeline:
    """Time stamps of a drive -> seconds of its film, always rising: pauses cut, steps of the clock ignored."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self._film_s: float | None = None

    def place(self, time_s: float) -> float:
        """Seconds from the film's beginning at which this moment is shown."""
        step_s = time_s - self._last_s
        self._last_s = time_s
        if self._film_s is None:
            self._film_s = 0.0
        else:
            self._film_s += step_s if 0 < step_s <= PAUSE_S else SHOWN_PAUSE_S
        return self._film_s


class FrameLimit:
    """Thins frames to so many a second; on average, so that a clock's jitter costs none."""

    def __init__(self, per_s: float) -> None:
        self._step_s = 1 / per_s
        self._due_s = float("-inf")

    def admits(self, time_s: float) -> bool:
        """Whether to show the frame of this moment; a clock that was set back begins anew."""
        if self._due_s - PAUSE_S < time_s < self._due_s - 1e-4:
            return False
        on_time = 0 <= time_s - self._due_s + 1e-4 < self._step_s
        self._due_s = (self._due_s if on_time else time_s) + self._step_s
        return True
