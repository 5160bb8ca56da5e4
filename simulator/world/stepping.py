"""Game time for a world: controls that take effect after a latency, and motion in the car's own fixed steps."""

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
        self._underway: deque[tuple[float, Control]] = deque()
        self._rest_s = 0.0

    @property
    @abstractmethod
    def finished(self) -> bool:
        """Whether the drive is over."""

    @abstractmethod
    def _move(self) -> None:
        """One step of the car."""

    def apply(self, control: Control) -> None:
        """Steer and push the pedal, once the added latency has passed."""
        self._underway.append((self.log.time_s + self._latency_s, control))

    def step(self, seconds: float) -> None:
        """Let game time pass, in the car's own fixed steps; what is left over is kept for the next time."""
        self._rest_s += seconds
        while self._rest_s > STEP_S / 2 and not self.finished:
            self._rest_s -= STEP_S
            while self._underway and self._underway[0][0] <= self.log.time_s + 1e-9:
                self.car.apply(self._underway.popleft()[1])
            self._move()
