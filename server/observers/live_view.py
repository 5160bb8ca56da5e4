"""Keeps what the page shows of each simulator: the newest answer, and figures over the last second or so.

It keeps a reference to the newest answer, and a few numbers of those before. The page's stream does the work, as often
as the page can read it.
"""

from __future__ import annotations

import time
from collections import deque

from film.timeline import PAUSE_S
from server.core.latency import LatencyLog
from server.core.observer import AnsweredFrame
from server.observers.drive_history import DriveHistory

RATE_WINDOW = 30
"""Views over which the rate is computed."""

RECENT = 500
"""Answers over which latency is reported."""

MOVING_MPH = 0.5


class SimulatorView:
    """One simulator's newest answer; `moved_s`: when it last moved, by time.monotonic; `history`: its drive so far."""

    __slots__ = ("_answered_s", "_times_s", "history", "latest", "moved_s")

    def __init__(self, answer: AnsweredFrame) -> None:
        self._times_s: deque[float] = deque(maxlen=RATE_WINDOW)
        self.moved_s = self._answered_s = time.monotonic()
        self.history = DriveHistory()
        self.note(answer)

    def note(self, answer: AnsweredFrame) -> None:
        """Take the next answer. After a pause, the car counts as moving, because nobody knows what it did meanwhile."""
        now_s = time.monotonic()
        paused = now_s - self._answered_s > PAUSE_S
        self.latest = answer
        self._answered_s = now_s
        if answer.fresh:
            self._times_s.append(now_s)
        if paused or abs(answer.telemetry.speed_mph) > MOVING_MPH or answer.control.throttle <= 0.0:
            self.moved_s = now_s
        self.history.note(answer, self.rate_hz)

    @property
    def rate_hz(self) -> float:
        """Recent rate of answered views; 0 when none has arrived for two seconds."""
        times_s = self._times_s
        if len(times_s) < 2 or time.monotonic() - times_s[-1] > PAUSE_S or times_s[-1] <= times_s[0]:
            return 0.0
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])

    @property
    def stuck_s(self) -> float:
        """How long the car has stood although it got throttle; 0 while it moves or is meant to stand."""
        return self._answered_s - self.moved_s


class LiveView:
    """An Observer. `simulators`: a SimulatorView for each number; `latency`: of all simulators' last answers."""

    def __init__(self) -> None:
        self.simulators: dict[int, SimulatorView] = {}
        self.latency = LatencyLog(RECENT)

    def answered(self, answer: AnsweredFrame) -> None:
        """Take one answer."""
        self.latency.add(answer.latency_ms)
        view = self.simulators.get(answer.simulator)
        if view is None:
            self.simulators[answer.simulator] = SimulatorView(answer)
        else:
            view.note(answer)

    def forget(self, simulator: int) -> None:
        """Drop a simulator that has left; another one may get its number soon."""
        self.simulators.pop(simulator, None)

    def close(self) -> None:
        """Do nothing; nothing is queued."""
