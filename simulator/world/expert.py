"""A driver who knows the road: it follows the centre line by pure pursuit, and pushes move it off the line at times.

The recording holds the expert's own command and never the push. So frames of a displaced car carry the steering that
leads it back (as in DART, Laskey et al., 2017).
"""

from __future__ import annotations

import math

import numpy as np

from protocol.messages import EFFECTIVE_WHEELBASE_M, MAX_STEERING_ANGLE_DEG, MPS_PER_MPH, Control
from protocol.pedals import DRAG_PER_S, throttle_for
from simulator.world.track_world import TrackWorld

LOOK_AHEAD_M = 9.0
"""The same at any speed, because a frame does not show the speed. So the expert steers back by 0.147 for each metre
aside. A shorter look keeps closer to the line, but people steer back more softly."""

PUSH_EVERY_S = 4.0
PUSH_LONGEST_S = 1.1
PUSH_STEERING = 0.35
LATERAL_MPS2 = 4.0


class Expert:
    """Drives a TrackWorld at `speed_mph`, slower in bends. disturbed: whether it is pushed; seed: varies the pushes."""

    def __init__(self, world: TrackWorld, speed_mph: float, disturbed: bool = False, seed: int = 0) -> None:
        self.world = world
        self._speed_mph = speed_mph
        self._disturbed = disturbed
        self._generator = np.random.default_rng(seed)
        self._push = 0.0
        self._push_ends_s = 0.0
        self._next_push_s = float(self._generator.exponential(PUSH_EVERY_S))

    def control(self) -> Control:
        """Compute the expert's command for the car's place now."""
        return Control(self.steering(), self._throttle())

    def disturbed(self, command: Control) -> Control:
        """Return the command, with an offset to the steering during a push."""
        now_s = self.world.log.time_s
        if self._disturbed and now_s >= self._next_push_s:
            self._push = float(self._generator.uniform(-PUSH_STEERING, PUSH_STEERING))
            self._push_ends_s = now_s + float(self._generator.uniform(0.3, PUSH_LONGEST_S))
            self._next_push_s = self._push_ends_s + float(self._generator.exponential(PUSH_EVERY_S))
        in_push = now_s < self._push_ends_s and abs(self.world.place.offset_m) < 2.2
        return Control(command.steering + self._push, command.throttle) if in_push else command

    def steering(self) -> float:
        """Steer by pure pursuit (Coulter, 1992): on the arc from the rear axle to a point ahead on the centre line."""
        car, track = self.world.car, self.world.track
        x, y = track.point_at(self.world.place.distance_m + LOOK_AHEAD_M)
        angle = math.atan2(y - car.y, x - car.x) - car.heading_rad
        reach_m = math.hypot(x - car.x, y - car.y)
        wheel_deg = math.degrees(math.atan(2 * EFFECTIVE_WHEELBASE_M * math.sin(angle) / reach_m))
        return max(-1.0, min(1.0, -wheel_deg / MAX_STEERING_ANGLE_DEG))

    def _throttle(self) -> float:
        track, place = self.world.track, self.world.place
        ahead = (place.index + np.arange(0, 50, 5)) % len(track.points)
        bend = max(1e-4, float(np.abs(track.curvature[ahead]).max()))
        target_mph = min(self._speed_mph, math.sqrt(LATERAL_MPS2 / bend) / MPS_PER_MPH)
        return throttle_towards(target_mph, self.world.car.speed_mph)


def throttle_towards(target_mph: float, speed_mph: float) -> float:
    """The throttle, -1..1, that brings a car to a speed within half a second or so, and holds it on a level road."""
    return throttle_for(DRAG_PER_S * target_mph + 2.0 * (target_mph - speed_mph))
