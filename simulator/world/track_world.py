"""A car on a track, seen through its camera, with a log of its drive.

It is a `World` of the game loop, so the same drive runs through a socket or in a plain loop. One seed gives the same
frames, byte for byte.
"""

from __future__ import annotations

import math

import numpy as np

from protocol.messages import MPS_PER_MPH, Frame
from simulator.client.connection import Observation
from simulator.render.camera import AUTONOMOUS, Camera, Rig
from simulator.render.eye import CarPose
from simulator.render.jpeg import jpeg_of
from simulator.render.opening import TrackScene
from simulator.roads.profile import CRASHES
from simulator.world.car import STEP_S, Car
from simulator.world.drive_log import DriveLog
from simulator.world.stepping import SteppedWorld
from simulator.world.track import Place, Track
from simulator.world.wheels import WheelLog, wheel_surfaces

SLOWEST_MPH, START_S = 4.0, 20.0
"""Least average speed, and extra time for the start; a slower car has stopped, so its drive ends."""

START_JITTER_M, START_JITTER_RAD = 0.3, 0.02


def time_limit_s(length_m: float) -> float:
    """Game time after which a drive of this length ends, however far the car came."""
    return START_S + length_m / (SLOWEST_MPH * MPS_PER_MPH)


class TrackWorld(SteppedWorld):
    """Drives `laps` of a track. seed: varies the start a little; latency_s: game time until a control takes effect.

    limit_s: game time after which the drive ends, however far the car came. start_m: where it starts on the lap.
    put_back: whether a car that leaves the road is put back; if not, the drive ends there. rig: its cameras, which may
    change during the drive. `log` records the drive, and `wheels` is what the four wheels stand on. A car is off the
    road when its middle has left the carriageway, when a wheel touches a wall, rock or water, or when it points
    backwards.
    """

    def __init__(
        self,
        track: Track,
        scene: TrackScene,
        laps: float,
        seed: int = 0,
        latency_s: float = 0.0,
        limit_s: float = 3600.0,
        start_m: float = 0.0,
        put_back: bool = True,
        rig: Rig = AUTONOMOUS,
    ) -> None:
        self.track = track
        self.rig = rig
        self._wheel_log = WheelLog()
        self.log = DriveLog(track.length_m, self._wheel_log)
        self._scene = scene
        self.laps = laps
        super().__init__(latency_s)
        self._limit_s = limit_s
        self._put_back = put_back
        generator = np.random.default_rng(seed)
        index = round(start_m / track.spacing_m) % len(track.points)
        self._place_car(index, float(generator.normal(0, START_JITTER_M)), float(generator.normal(0, START_JITTER_RAD)))

    def _place_car(self, index: int, offset_m: float = 0.0, heading_error_rad: float = 0.0) -> None:
        """Place the car on the road at point `index`, at a standstill."""
        x, y = self.track.points[index]
        heading = float(self.track.heading_rad[index])
        self.car = Car(
            float(x) - offset_m * math.sin(heading),
            float(y) + offset_m * math.cos(heading),
            heading + heading_error_rad,
        )
        self.place = self.track.locate(self.car.x, self.car.y, index)
        self.wheels = wheel_surfaces(self.track, self.car, self.place)

    @property
    def finished(self) -> bool:
        """Whether the car has driven its laps, the time limit has passed, or nobody puts it back on the road."""
        stranded = self.log.off_road_events > 0 and not self._put_back
        return stranded or self.log.distance_m >= self.laps * self.track.length_m or self.log.time_s >= self._limit_s

    @property
    def heading_error_rad(self) -> float:
        """The car's direction relative to the road's, positive to the left."""
        return (self.car.heading_rad - self.place.heading_rad + math.pi) % (2 * math.pi) - math.pi

    def frame(self, camera: Camera | None = None, scale: int = 1) -> Frame:
        """Render a camera's view, uint8 (160, 320, 3), each side times `scale`. camera: None for the rig's centre."""
        return self._scene.render(self._pose(), camera or self.rig.center, scale, self.log.time_s)

    def frame_from_behind(self, scale: int = 1) -> Frame:
        """Render the car from behind, uint8 (160, 320, 3), each side times `scale`."""
        return self._scene.render_behind(self._pose(), -self.car.steering_angle_deg, scale, self.log.time_s)

    def _pose(self) -> CarPose:
        """Where the car is; the slope is the road's, in the car's direction."""
        car, slope = self.car, float(self.track.slope[self.place.index])
        return CarPose(car.x, car.y, self._height_m, car.heading_rad, slope * math.cos(self.heading_error_rad))

    @property
    def _height_m(self) -> float:
        return self.track.height_at(self.place.distance_m)

    def observe(self) -> Observation:
        """Render the frame, and return telemetry with the fields that improved simulator builds add."""
        car = self.car
        extras = {
            "sim_time": f"{self.log.time_s:.4f}",
            "cte": f"{-self.place.offset_m:.4f}",
            "lapNumber": str(int(self.log.distance_m / self.track.length_m) + 1),
            "distance": f"{self.log.distance_m:.2f}",
            "tot_obes": str(self.log.off_road_events),
            "tot_crashes": str(self.log.crashes),
            "pos_x": f"{car.x:.4f}",  # as in Unity: y is the height, and x and z are a map's right and up
            "pos_y": f"{self._height_m:.4f}",
            "pos_z": f"{car.y:.4f}",
        }
        throttle = max(0.0, car.throttle)
        return Observation(jpeg_of(self.frame()), car.steering_angle_deg, throttle, car.speed_mph, extras)

    def _move(self) -> None:
        self.car.step(float(self.track.slope[self.place.index]) * math.cos(self.heading_error_rad))
        before, self.place = self.place, self.track.locate(self.car.x, self.car.y, self.place.index)
        self.wheels = wheel_surfaces(self.track, self.car, self.place)
        advance_m = self._advance(before)
        self.log.note(STEP_S, advance_m, self.place, self.car)
        self._wheel_log.note(self.wheels, advance_m, self.place)
        crashed = not CRASHES.isdisjoint(self.wheels)
        if crashed or not self._middle_on_road or abs(self.heading_error_rad) > math.pi / 2:
            self.log.note_off_road(self.place, crashed)
            if self._put_back:
                self._pending.clear()
                self._place_car(self.place.index)

    @property
    def _middle_on_road(self) -> bool:
        return self.track.surface(self.place.distance_m, self.place.offset_m) == "road"

    def _advance(self, before: Place) -> float:
        """Metres along the road since the place `before`; negative backwards."""
        length = self.track.length_m
        return (self.place.distance_m - before.distance_m + length / 2) % length - length / 2
