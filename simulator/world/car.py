"""How the car moves: in the fixed steps of Unity's physics, with the pedals and the steering of Udacity's car."""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.messages import MAX_STEERING_ANGLE_DEG, MPS_PER_MPH, Control
from protocol.pedals import DRAG_PER_S, push_mph_per_s
from simulator.world.steering_dynamics import GAME

STEP_S = 0.02
"""The fixed time step of all motion, which is Unity's, so that motion does not depend on the frame rate."""

TOP_SPEED_MPH = 30.2
"""The game caps the speed at 30 mph; recordings show it after one more step of full throttle."""

GRAVITY_MPS2 = 9.81


@dataclass(slots=True)
class Car:
    """x, y in metres (middle of the rear axle), heading anticlockwise from the x axis, speed forwards.

    yaw_rate: radians a second to the right.
    """

    x: float
    y: float
    heading_rad: float
    speed_mph: float = 0.0
    steering: float = 0.0
    throttle: float = 0.0
    yaw_rate: float = 0.0

    def apply(self, control: Control) -> None:
        """Set steering and throttle at once, as the game does."""
        self.steering, self.throttle = control.steering, control.throttle

    @property
    def steering_angle_deg(self) -> float:
        """Angle of the front wheels, positive right."""
        return self.steering * MAX_STEERING_ANGLE_DEG

    def acceleration_mph_per_s(self, slope: float) -> float:
        """The acceleration now, on a road that rises by `slope` metres a metre."""
        uphill = GRAVITY_MPS2 * slope / math.hypot(1.0, slope) / MPS_PER_MPH
        return push_mph_per_s(self.throttle, self.speed_mph) - DRAG_PER_S * self.speed_mph - uphill

    def step(self, slope: float = 0.0) -> None:
        """Move for STEP_S. Unlike Udacity's, the car never goes backwards: it ends at a standstill."""
        before = self.speed_mph
        self.speed_mph = min(TOP_SPEED_MPH, max(0.0, before + self.acceleration_mph_per_s(slope) * STEP_S))
        self.roll((before + self.speed_mph) / 2)

    def roll(self, speed_mph: float) -> None:
        """Move for STEP_S at this speed, while the yaw rate follows the wheel."""
        self.yaw_rate = GAME.step(self.yaw_rate, speed_mph, self.steering, STEP_S)
        step_m, turn_rad = speed_mph * MPS_PER_MPH * STEP_S, -self.yaw_rate * STEP_S
        self.x += step_m * math.cos(self.heading_rad + turn_rad / 2)
        self.y += step_m * math.sin(self.heading_rad + turn_rad / 2)
        self.heading_rad = (self.heading_rad + turn_rad + math.pi) % (2 * math.pi) - math.pi
