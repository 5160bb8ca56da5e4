"""What throttle and brakes do to Udacity's car, and the throttle that gives a wanted acceleration.

The numbers come from Udacity's Unity project and from recordings; docs/udacity-tracks.md says how they were found.
"""

from __future__ import annotations

FULL_THROTTLE_MPH_PER_S = 11.5
"""What a throttle of 1 gains in a second."""

DRAG_PER_S = 0.1
"""Each second costs this share of the speed, with any throttle."""

BRAKE_MPH_PER_S = 510.0
"""What brakes of 20,000 Nm a wheel would cost a car of a tonne in a second, at a throttle of -1, if its tyres held."""

LOCKING_THROTTLE = -0.043
"""From here on the wheels are locked: the tyres hold no more than the car's weight."""

LOCKED_MPH_PER_S = 14.5
"""What locked wheels cost in a second, with any throttle below LOCKING_THROTTLE."""

BRAKES_ABOVE_MPH = 5.0
REVERSE_MPH_PER_S = 3.6
"""Below BRAKES_ABOVE_MPH a negative throttle drives backwards instead of braking, with this at -1."""


def push_mph_per_s(throttle: float, speed_mph: float) -> float:
    """What the wheels do to the speed in a second. throttle: -1..1."""
    if throttle >= 0:
        return throttle * FULL_THROTTLE_MPH_PER_S
    if speed_mph < BRAKES_ABOVE_MPH:
        return throttle * REVERSE_MPH_PER_S
    return throttle * BRAKE_MPH_PER_S if throttle > LOCKING_THROTTLE else -LOCKED_MPH_PER_S


def throttle_for(push: float) -> float:
    """The throttle, -1..1, for a push in mph a second; what only locked wheels give is -1."""
    if push >= 0:
        return min(1.0, push / FULL_THROTTLE_MPH_PER_S)
    return push / BRAKE_MPH_PER_S if push > -LOCKED_MPH_PER_S else -1.0
