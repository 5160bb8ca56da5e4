"""How the game's car answers its wheel: a bicycle model with a lag and a limit to its sideways acceleration.

The two numbers of `GAME` are fitted to the yaw that recorded frames show; docs/replay.md says how, and how well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH


@dataclass(frozen=True, slots=True)
class SteeringDynamics:
    """lag_s: time constant of the yaw's first-order lag; most_lateral_mps2: limit of the sideways acceleration."""

    lag_s: float
    most_lateral_mps2: float

    def step(self, rate: float, speed_mph: float, steering: float, seconds: float) -> float:
        """The yaw rate some seconds after `rate`, both in radians a second to the right."""
        speed_mps = speed_mph * MPS_PER_MPH
        bicycle = speed_mps * math.tan(math.radians(steering * MAX_STEERING_ANGLE_DEG)) / EFFECTIVE_WHEELBASE_M
        excess = abs(speed_mps * bicycle) / self.most_lateral_mps2
        limited = bicycle * math.tanh(excess) / excess if excess else bicycle
        return rate + (limited - rate) * (1 - math.exp(-seconds / self.lag_s))

    def rates(self, speed_mph: Float64Array, steering: Float64Array, seconds: float) -> Float64Array:
        """The yaw rate at each step of a drive, (n,); each follows from the speed and steering one step before."""
        rates, rate = [0.0], 0.0
        for speed, wheel in zip(speed_mph[:-1].tolist(), steering[:-1].tolist(), strict=True):
            rate = self.step(rate, speed, wheel, seconds)
            rates.append(rate)
        return np.array(rates)


GAME = SteeringDynamics(0.14, 30.0)
"""Udacity's car."""
