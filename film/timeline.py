"""Maps times of a drive to times of its film; a separate module, so that the server loads no encoder for it."""

from __future__ import annotations

PAUSE_S = 2.0
"""After this long without a frame the drive counts as paused: the simulator paused, left, or is no longer recorded.

A film then cuts the pause, and may follow another simulator; the answer rate restarts.
"""

SHOWN_PAUSE_S = 0.5
"""Length of a pause in the film."""


class Timeline:
    """Maps time stamps of a drive to increasing seconds of its film; it cuts pauses and ignores clock steps."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self._film_s: float | None = None

    def place(self, time_s: float) -> float:
        """Seconds from the film's start at which it shows this moment."""
        step_s = time_s - self._last_s
        self._last_s = time_s
        if self._film_s is None:
            self._film_s = 0.0
        else:
            self._film_s += step_s if 0 < step_s <= PAUSE_S else SHOWN_PAUSE_S
        return self._film_s


class FrameLimit:
    """Limits frames to `per_s` a second on average, so that clock jitter costs no frame."""

    def __init__(self, per_s: float) -> None:
        self._step_s = 1 / per_s
        self._due_s = float("-inf")

    def admits(self, time_s: float) -> bool:
        """Whether to show the frame of this moment; a clock that was set back restarts the limit."""
        if self._due_s - PAUSE_S < time_s < self._due_s - 1e-4:
            return False
        on_time = 0 <= time_s - self._due_s + 1e-4 < self._step_s
        self._due_s = (self._due_s if on_time else time_s) + self._step_s
        return True
