"""Computes the throttle from the speed: a PI controller holds a target speed, and a lower one in bends.

The integral of Udacity's drive.py counts messages, so its throttle depends on the frame rate and winds up on hills.
This controller integrates over seconds, stops at saturation, and limits the speed in bends. All cars share one
SpeedTarget, which the operator can change while they drive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from inference.policy import Answer
from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH
from protocol.pedals import FULL_THROTTLE_MPH_PER_S, LOCKED_MPH_PER_S, throttle_for

LATERAL_ACCELERATION_MPS2 = 4.1
"""Lateral acceleration that the car may reach in a bend without skidding; it limits the speed there."""

STRAIGHTEN_S = 0.5
"""Decay time of the steering that limits the speed, so that one straight frame in a bend gives no full throttle."""

HARDEST_BRAKING = -LOCKED_MPH_PER_S / FULL_THROTTLE_MPH_PER_S
"""The push of locked wheels, in full throttles."""

STANDSTILL_MPH = 1.0
"""Below this speed a negative throttle reverses instead of braking."""


def stopping_throttle(speed_mph: float) -> float:
    """The throttle that brings a car to a standstill, and does not reverse it then."""
    return -1.0 if speed_mph > STANDSTILL_MPH else 0.0


class SpeedControl(Protocol):
    """Gives the throttle of one car; it is called once for each answer."""

    def throttle(self, speed_mph: float, answer: Answer, now_s: float, share: float = 1.0) -> float:
        """Speed in miles an hour, steering within -1..1, seconds of a monotonic clock -> throttle -1..1.

        share: what caution leaves of the target speed, above 0.
        """
        ...


SpeedControlFactory = Callable[[], SpeedControl]


def safe_speed_mph(steering: float) -> float:
    """Miles an hour at which this steering (-1..1) gives LATERAL_ACCELERATION_MPS2: v = sqrt(a L / tan(angle))."""
    tangent = math.tan(math.radians(MAX_STEERING_ANGLE_DEG * min(1.0, abs(steering))))
    if tangent < 1e-6:
        return math.inf
    return math.sqrt(LATERAL_ACCELERATION_MPS2 * EFFECTIVE_WHEELBASE_M / tangent) / MPS_PER_MPH


class PIController:
    """Holds `target_mph`. Its gains give a push, in full throttles; the brakes are 44 times as strong as the engine.

    kp: push per mph of error; ki: push per mph of error and second.
    """

    def __init__(self, target_mph: float, kp: float = 0.15, ki: float = 0.08) -> None:
        self.target_mph = target_mph
        self.kp = kp
        self.ki = ki
        self._integral = 0.0
        self._bend = 0.0
        self._last_s: float | None = None

    def throttle(self, speed_mph: float, steering: float, now_s: float) -> float:
        """Run one control step; an interval of more than 0.2 s (a stalled simulator) counts as 0.2 s."""
        dt_s = min(0.2, max(0.0, now_s - self._last_s)) if self._last_s is not None else 0.0
        self._last_s = now_s
        self._bend = max(abs(steering), self._bend * math.exp(-dt_s / STRAIGHTEN_S))
        error = min(self.target_mph, safe_speed_mph(self._bend)) - speed_mph
        command = self.kp * error + self._integral
        if HARDEST_BRAKING < command < 1.0 or command * error < 0:  # anti-windup: never push further into saturation
            self._integral += self.ki * error * dt_s
        throttle = throttle_for(FULL_THROTTLE_MPH_PER_S * (self.kp * error + self._integral))
        return max(0.0, throttle) if speed_mph < STANDSTILL_MPH else throttle


@dataclass(slots=True)
class SpeedTarget:
    """The target speed of all cars. A `constant_throttle` (0..1), or the model's own throttle, replaces the target.

    changed: called after each change.
    """

    target_mph: float
    constant_throttle: float | None = None
    models_throttle: bool = False
    changed: Callable[[], None] = field(default=lambda: None, compare=False)

    def hold(self, target_mph: float) -> None:
        """Set the target speed; this also ends a constant throttle and the model's."""
        self.target_mph, self.constant_throttle, self.models_throttle = target_mph, None, False
        self.changed()


class TargetSpeedControl:
    """The SpeedControl of one car that follows the shared `target`, whenever the operator changes it."""

    def __init__(self, target: SpeedTarget) -> None:
        self._target = target
        self._controller = PIController(target.target_mph)

    def throttle(self, speed_mph: float, answer: Answer, now_s: float, share: float = 1.0) -> float:
        """The PIController's throttle for the current target, or the constant one, or the model's, as the target says.

        The model's may brake, but not reverse a car that stands. Caution takes its share of whichever there is.
        """
        if self._target.constant_throttle is not None:
            return self._target.constant_throttle * share
        if self._target.models_throttle and answer.throttle is not None:
            throttle = max(0.0, answer.throttle) if speed_mph < STANDSTILL_MPH else answer.throttle
            return min(throttle, throttle * share)
        self._controller.target_mph = self._target.target_mph * share
        return self._controller.throttle(speed_mph, answer.steering, now_s)
