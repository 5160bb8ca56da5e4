"""How fast the cars shall go, changeable while they drive: one Pace for all, read by each car's control."""

from __future__ import annotations

from dataclasses import dataclass

from inference.speed_control import PIController


@dataclass(slots=True)
class Pace:
    """Hold `target_mph`, unless `constant_throttle` (0..1) is given instead."""

    target_mph: float
    constant_throttle: float | None = None

    def hold(self, target_mph: float) -> None:
        """Hold this speed from now on, in place of a constant throttle too."""
        self.target_mph, self.constant_throttle = target_mph, None


class PacedControl:
    """A SpeedControl of one car that follows `pace`."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._controller = PIController(pace.target_mph)

    def throttle(self, speed_mph: float, steering: float, now_s: float) -> float:
        """As PIController does it, towards the target of this moment."""
        if self._pace.constant_throttle is not None:
            return self._pace.constant_throttle
        self._controller.target_mph = self._pace.target_mph
        return self._controller.throttle(speed_mph, steering, now_s)
