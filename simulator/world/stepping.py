"""Game time for a world: controls take effect after a latency, and the car moves in fixed steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

from protocol.messages import Control
from simulator.world.car import STEP_S, Car
from simulator.world.drive_log import DriveLog


class SteppedWorld(ABC):
    """A world whose car moves in steps of STEP_S. latency_s: game time until a control takes effect."""

    car: Car
    log: DriveLog

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._pending: deque[tuple[float, Control]] = deque()
        self._remainder_s = 0.0

    @property
    @abstractmethod
    def finished(self) -> bool:
        """Whether the drive is over."""

    @abstractmethod
    def _move(self) -> None:
        """Move the car by one step."""

    def apply(self, control: Control) -> None:
        """Set steering and throttle once the added latency has passed."""
        self._pending.append((self.log.time_s + self._latency_s, control))

    def step(self, seconds: float) -> None:
        """Advance game time in fixed steps; a remainder is carried over to the next call."""
        self._remainder_s += seconds
        while self._remainder_s > STEP_S / 2 + 1e-9 and not self.finished:
            self._remainder_s -= STEP_S
            while self._pending and self._pending[0][0] <= self.log.time_s + 1e-9:
                self.car.apply(self._pending.popleft()[1])
            self._move()
