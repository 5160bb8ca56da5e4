"""How keys become steering and throttle: as in Udacity's simulator, in its own fixed steps.

A held key steers further by 0.05 a step. After its release the steering jumps to Unity's slower axis of the same keys
and returns to 0 with it. Source: Steering.cs, CarController.cs and ProjectSettings/InputManager.asset of
https://github.com/udacity/self-driving-car-sim. One key differs: Space, which is a cruise control there, brakes here.
"""

from __future__ import annotations

from protocol.messages import Control
from simulator.by_hand.messages import DriverInput

STEP_S = 0.02
"""Unity's fixed time step."""

STEERING_PER_STEP = 0.05
AXIS_PER_S = 3.0
"""Sensitivity and gravity of Unity's axes `Horizontal` and `Vertical`."""


class KeyAxis:
    """Unity's axis of two opposite keys, with snap: an opposite key starts from 0. value: -1..1."""

    def __init__(self) -> None:
        self.value = 0.0

    def step(self, direction: int) -> float:
        """Move towards the held key, or towards 0. direction: -1, 0 or 1; returns the new value."""
        if direction * self.value < 0:
            self.value = 0.0
        change = AXIS_PER_S * STEP_S
        self.value = round(min(max(direction, self.value - change), self.value + change), 6)
        return self.value


class KeyResponse:
    """The steering and the pedal of a person, step by step."""

    def __init__(self) -> None:
        self._horizontal, self._vertical = KeyAxis(), KeyAxis()
        self._steering = 0.0

    def step(self, hands: DriverInput) -> Control:
        """The command after one more step of STEP_S."""
        return Control(self._steer(hands), self._press(hands))

    def _steer(self, hands: DriverInput) -> float:
        left, right = "left" in hands.keys, "right" in hands.keys
        axis = self._horizontal.step(right - left)
        if left or right:  # with both hands, the left one wins
            change = -STEERING_PER_STEP if left else STEERING_PER_STEP
            self._steering = round(min(1.0, max(-1.0, self._steering + change)), 6)
        else:
            self._steering = axis if hands.steering is None else hands.steering
        return self._steering

    def _press(self, hands: DriverInput) -> float:
        direction = ("faster" in hands.keys) - ("slower" in hands.keys)
        axis = self._vertical.step(direction)
        if "brake" in hands.keys:
            return -1.0
        return axis if direction or hands.pedal is None else hands.pedal
