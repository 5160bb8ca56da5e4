"""One driver for each simulator: a frame in, a command out, and what to do when the frame is no good.

Everything that must be remembered between two frames of one car lives here and nowhere else, so that several
simulators never steer each other and a vanished one leaves nothing behind.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inference.speed_control import STANDSTILL_MPH, SpeedControl, SpeedControlFactory
from protocol.errors import ProtocolError
from protocol.messages import Control, Telemetry
from protocol.numbers import parse_number


class Policy(Protocol):
    """What steers: frames in, steering out. Every engine is one."""

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 RGB (n, 160, 320, 3) -> float32 (n,), steering, nominally -1..1."""
        ...


class PolicyError(ArithmeticError):
    """The model answered with something that is no steering (NaN, an infinity)."""


class Driver:
    """Drives one car. policy: steers; new_speed_control: makes the throttle's controller; clock: steady seconds."""

    def __init__(
        self,
        policy: Policy,
        new_speed_control: SpeedControlFactory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._new_speed_control = new_speed_control
        self._clock = clock
        self.stopping = False
        self.reset()

    def reset(self) -> None:
        """Forget the drive so far: a new simulator, or one that has been silent."""
        self._speed_control: SpeedControl = self._new_speed_control()
        self._steering = 0.0
        self.speed_mph = 0.0

    def drive(self, telemetry: Telemetry) -> Control:
        """The command for this moment. Raises PolicyError, or whatever the model raises; then see `fallback`."""
        self.speed_mph = telemetry.speed_mph
        steering = float(self._policy.predict(telemetry.frame[np.newaxis])[0])
        if not math.isfinite(steering):
            raise PolicyError(f"the model answered {steering} for this frame")
        self._steering = min(1.0, max(-1.0, steering))
        if self.stopping:
            return self._stop(telemetry.speed_mph)
        throttle = self._speed_control.throttle(telemetry.speed_mph, self._steering, self._now_s(telemetry))
        return Control(self._steering, throttle)

    def _now_s(self, telemetry: Telemetry) -> float:
        """Game time where the simulator tells it in fractions of a second, for it may run faster than a clock.

        Some builds tell whole seconds: a control that believed those would stand still between them.
        """
        try:
            game_s, mark = parse_number(telemetry.extras["sim_time"])
        except (KeyError, ProtocolError):
            return self._clock()
        return self._clock() if mark is None else game_s

    def fallback(self, speed_mph: float | None = None) -> Control:
        """When this frame cannot be driven: the last steering, and no throttle, or the brake if the car is to stand.

        speed_mph: as this frame tells it; None where it does not, and then nothing brakes, for a car that stands
        would drive backwards.
        """
        if speed_mph is not None:
            self.speed_mph = speed_mph
        return self._stop(speed_mph or 0.0) if self.stopping else Control(self._steering, 0.0)

    def _stop(self, speed_mph: float) -> Control:
        return Control(self._steering, -1.0 if speed_mph > STANDSTILL_MPH else 0.0)
