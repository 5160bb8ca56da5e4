"""Throttle from speed: a PI controller that holds a target, slower in curves.

Udacity's own drive.py integrates per message, so its throttle depends on the frame rate, and winds up on hills. This
one integrates over seconds, stops integrating when the throttle saturates, and knows how fast a bend may be taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH

LATERAL_ACCELERATION_MPS2 = 4.1
"""What a driver takes in a bend without the tyres complaining; decides the speed in curves."""

STRAIGHTEN_S = 0.5
"""Time over which a bend is forgotten, so that one straight frame in it does not call for full throttle."""

STANDSTILL_MPH = 1.0
"""Below this a negative throttle would not brake but reverse."""


class SpeedControl(Protocol):
    """Throttle for this moment; one object for each car, called once for each answer."""

    def throttle(self, speed_mph: float, steering: float, now_s: float) -> float:
        """speed in miles an hour, steering -1..1, now_s from a steady clock -> throttle -1..1."""
        ...


SpeedControlFactory = Callable[[], SpeedControl]


@dataclass(frozen=True, slots=True)
class ConstantThrottle:
    """The same throttle always, as the study drove (0.8)."""

    value: float

    def throttle(self, speed_mph: float, steering: float, now_s: float) -> float:
        """The constant."""
        return self.value


def safe_speed_mph(steering: float) -> float:
    """Speed at which this steering (-1..1) gives LATERAL_ACCELERATION_MPS2: v = sqrt(a L / tan(angle))."""
    tangent = math.tan(math.radians(MAX_STEERING_ANGLE_DEG * min(1.0, abs(steering))))
    if tangent < 1e-6:
        return math.inf
    return math.sqrt(LATERAL_ACCELERATION_MPS2 * EFFECTIVE_WHEELBASE_M / tangent) / MPS_PER_MPH


class PIController:
    """Holds `target_mph`. Gains fit a car that gains 11 mph/s at full throttle and loses 3 without.

    kp: throttle for each mph of error; ki: for each mph of error and second.
    """

    def __init__(self, target_mph: float, kp: float = 0.15, ki: float = 0.08) -> None:
        self.target_mph = target_mph
        self.kp = kp
        self.ki = ki
        self._integral = 0.0
        self._bend = 0.0
        self._last_s: float | None = None

    def throttle(self, speed_mph: float, steering: float, now_s: float) -> float:
        """One step of control; a pause of more than 0.2 s (a stalled simulator) counts as 0.2 s."""
        dt_s = min(0.2, max(0.0, now_s - self._last_s)) if self._last_s is not None else 0.0
        self._last_s = now_s
        self._bend = max(abs(steering), self._bend * math.exp(-dt_s / STRAIGHTEN_S))
        error = min(self.target_mph, safe_speed_mph(self._bend)) - speed_mph
        wanted = self.kp * error + self._integral
        if -1.0 < wanted < 1.0 or wanted * error < 0:  # anti-windup: never push further into saturation
            self._integral += self.ki * error * dt_s
        throttle = min(1.0, max(-1.0, self.kp * error + self._integral))
        return max(0.0, throttle) if speed_mph < STANDSTILL_MPH else throttle
