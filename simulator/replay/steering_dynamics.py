"""How the game's car answers its wheel: the bicycle model, late, and with tyres that hold only so much.

The two numbers of `GAME` are fitted to the yaw that recorded frames show, and docs/replay.md says how. On Udacity's
recording they leave 0.15 degrees a frame unexplained, where the bare bicycle leaves 0.70 (correlation 0.99
against 0.87); on another recording of the lake they leave 0.19, and it leaves 0.75.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH
from simulator.world.car import STEP_S


@dataclass(frozen=True, slots=True)
class Response:
    """lag_s: time constant of the yaw's first-order lag; most_lateral_mps2: what sideways acceleration tends to."""

    lag_s: float
    most_lateral_mps2: float

    def step(self, rate: float, speed_mph: float, steering: float) -> float:
        """Yaw rate STEP_S later, radians a second to the right, of a car that has `rate` now. speed above 0."""
        speed_mps = speed_mph * MPS_PER_MPH
        lateral = speed_mps**2 * math.tan(math.radians(steering * MAX_STEERING_ANGLE_DEG)) / EFFECTIVE_WHEELBASE_M
        held = self.most_lateral_mps2 * math.tanh(lateral / self.most_lateral_mps2)
        return rate + (held / speed_mps - rate) * (1 - math.exp(-STEP_S / self.lag_s))

    def rates(self, speed_mph: Float64Array, steering: Float64Array) -> Float64Array:
        """Yaw rate in each of a drive's steps, which follows the steering of the one before: (n,)."""
        found, rate = [0.0], 0.0
        for speed, wheel in zip(speed_mph[:-1].tolist(), steering[:-1].tolist(), strict=True):
            rate = self.step(rate, speed, wheel)
            found.append(rate)
        return np.array(found)


GAME = Response(0.14, 30.0)
"""Udacity's car."""
