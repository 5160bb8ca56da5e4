"""The driver of one simulator: it turns telemetry into a command, and has a fallback for frames that fail.

All state between two frames of one car belongs to its driver. Several simulators thus never affect each other, and a
simulator that disconnects leaves no state behind.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from inference.caution import Caution
from inference.observations import Observations, motion_of
from inference.policy import Policy, PolicyError
from inference.speed_control import SpeedControl, SpeedControlFactory, stopping_throttle
from protocol.errors import ProtocolError
from protocol.messages import Control, Telemetry
from protocol.numbers import parse_number


class Driver:
    """Drives one car.

    policy: gives the steering. new_speed_control: creates the throttle's controller. clock: monotonic seconds.
    careful: whether the car slows down where the model is unsure, and stops where it is lost, see `caution`.
    stopping: whether the car must brake and stand; the owner sets it. speed_mph: the latest known speed.
    answer: the model's latest answer, which may lie beyond -1..1. waits: whether the car stands or brakes by caution.
    """

    def __init__(
        self,
        policy: Policy,
        new_speed_control: SpeedControlFactory,
        clock: Callable[[], float] = time.monotonic,
        careful: bool = False,
    ) -> None:
        self._policy = policy
        self._new_speed_control = new_speed_control
        self._clock = clock
        self._careful = careful
        self.stopping = False
        self.reset()

    def reset(self) -> None:
        """Discard the state of the drive, for a new simulator or one that has paused."""
        self._observations = Observations()
        self._speed_control: SpeedControl = self._new_speed_control()
        self._caution = Caution()
        self._steering = 0.0
        self.answer = 0.0
        self.waits = False
        self.speed_mph = 0.0

    def drive(self, telemetry: Telemetry) -> Control:
        """The command for this telemetry. Raises PolicyError, or any exception of the model; then call `fallback`."""
        self.speed_mph = telemetry.speed_mph
        self._observations.add(telemetry.frame, motion_of(telemetry))
        answer = self._policy.answer(self._observations)
        if not math.isfinite(answer.steering):
            raise PolicyError(f"the model answered {answer.steering} for this frame")
        self.answer = answer.steering
        self._steering = min(1.0, max(-1.0, answer.steering))
        now_s = self._now_s(telemetry)
        share = self._caution.speed_share(answer.confidence, now_s) if self._careful else 1.0
        self.waits = share == 0.0
        if self.stopping or self.waits:
            return self._stop(telemetry.speed_mph, answer.confidence)
        throttle = self._speed_control.throttle(
            telemetry.speed_mph, answer._replace(steering=self._steering), now_s, share
        )
        return Control(self._steering, throttle, answer.confidence)

    def _now_s(self, telemetry: Telemetry) -> float:
        """Game time if the simulator sends it with fractions of a second, because the game may run faster than a clock.

        Some builds send whole seconds, between which a controller would see no time pass; these use the clock.
        """
        try:
            game_s, mark = parse_number(telemetry.extras["sim_time"])
        except (KeyError, ProtocolError):
            return self._clock()
        return self._clock() if mark is None else game_s

    def fallback(self, speed_mph: float | None = None) -> Control:
        """The command for a frame that failed: the last steering without throttle, or with the brake of a stop.

        speed_mph: from this frame; None if unknown. At unknown speed the driver does not brake, because a car at a
        standstill would reverse.
        """
        if speed_mph is not None:
            self.speed_mph = speed_mph
        brakes = self.stopping or self.waits
        return self._stop(speed_mph or 0.0) if brakes else Control(self._steering, 0.0)

    def _stop(self, speed_mph: float, confidence: float | None = None) -> Control:
        return Control(self._steering, stopping_throttle(speed_mph), confidence)
