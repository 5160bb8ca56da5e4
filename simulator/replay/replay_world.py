"""A recording as a world to drive in: real frames, shifted and turned to where the model's own steering takes the car.

NVIDIA judged its driver so before it went on the road (Bojarski et al., 2016): the car follows the model, at the speed
of the human who recorded, and an intervention is counted and the car put back when it strays from the human's line.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from protocol.errors import ProtocolError
from protocol.images import decode_image
from protocol.messages import MPS_PER_MPH, Frame
from simulator.client.connection import Observation
from simulator.render.camera import CAMERA_AHEAD_M
from simulator.render.jpeg import jpeg_of
from simulator.replay.reference_path import ReferencePath
from simulator.replay.steering_dynamics import GAME
from simulator.replay.view import CAMERAS, Viewer
from simulator.world.car import STEP_S, Car
from simulator.world.drive_log import DriveLog
from simulator.world.stepping import SteppedWorld
from simulator.world.track import Place

INTERVENTION_M = 1.0
"""Distance from the human's line at which a human would take over (NVIDIA, 2016)."""

ONE_CAMERA_INTERVENTION_M = 0.5
"""Without side cameras: further off, too little of the view is real."""


class ReplayWorld(SteppedWorld):
    """Drives a recording once, or `laps` of it. latency_s: game time until a control takes effect.

    intervention_m: distance from the human's line at which the car is put back; None: 1 m, as NVIDIA, and 0.5 m where
    there are no side cameras. Speed is the human's at each place: throttle and brake do nothing. `log` holds what
    happened; its laps are shares of the recording, its off-road events the interventions.
    """

    def __init__(
        self, line: ReferencePath, laps: float = 1.0, latency_s: float = 0.0, intervention_m: float | None = None
    ) -> None:
        self.line = line
        self.log = DriveLog(line.length_m)
        usual_m = INTERVENTION_M if line.side_cameras else ONE_CAMERA_INTERVENTION_M
        self.intervention_m = usual_m if intervention_m is None else intervention_m
        self._end_m = min(laps, 1.0) * line.length_m
        super().__init__(latency_s)
        self._viewer = Viewer()
        self._decoded: dict[str, Frame] = {}
        self._decoded_row = -1
        self._before_m = 0.0
        self._stretches = iter(line.stretches)
        self.car, self._yaw_rate = Car(0.0, 0.0, 0.0), 0.0
        self.place = Place(0, 0.0, 0.0, 0.0)
        self._over = not self._next_stretch()

    @property
    def finished(self) -> bool:
        """The recording is at its end, or the wanted share of it driven."""
        return self._over or self.place.distance_m >= self._end_m

    @property
    def heading_error_rad(self) -> float:
        """The car's direction against the human's, positive to the left."""
        return (self.car.heading_rad - self.place.heading_rad + math.pi) % (2 * math.pi) - math.pi

    @property
    def row(self) -> int:
        """The row of the stretch whose frame is shown: the last one that the car has passed."""
        return int(np.searchsorted(self.stretch.row_step, self.place.index, side="right")) - 1

    @property
    def human_steering(self) -> float:
        """What the human steered here, -1..1."""
        return float(self.stretch.steering[self.place.index])

    def frame(self) -> Frame:
        """What the centre camera would see from where the car is, uint8 (160, 320, 3)."""
        stretch, car = self.stretch, self.car
        if self._decoded_row != self.row:
            self._decoded_row = self.row
            self._decoded.clear()
        step = stretch.row_step[self._decoded_row]
        heading = float(stretch.heading_rad[step])
        cos, sin = math.cos(heading), math.sin(heading)
        dx, dy = car.x - stretch.x[step], car.y - stretch.y[step]
        turned = (car.heading_rad - heading + math.pi) % (2 * math.pi) - math.pi
        ahead = dx * cos + dy * sin + CAMERA_AHEAD_M * (math.cos(turned) - 1)
        aside = dy * cos - dx * sin + CAMERA_AHEAD_M * math.sin(turned)
        cameras = CAMERAS if self.line.side_cameras else ("center",)
        return self._viewer.view({name: partial(self._decode, name) for name in cameras}, aside, turned, ahead)

    def _decode(self, camera: str) -> Frame:
        """The recorded picture. Raises OSError, and ValueError for a file that is no picture."""
        if camera not in self._decoded:
            path = getattr(self.stretch.samples[self._decoded_row], camera)
            try:
                self._decoded[camera] = decode_image(path.read_bytes())
            except ProtocolError as error:
                raise ValueError(f"{path}: {error}") from None
        return self._decoded[camera]

    def observe(self) -> Observation:
        """Telemetry, with what improved simulator builds add to it."""
        extras = {
            "sim_time": f"{self.log.time_s:.4f}",
            "cte": f"{-self.place.offset_m:.4f}",
            "distance": f"{self.place.distance_m:.2f}",
            "tot_obes": str(self.log.off_road_events),
        }
        throttle = max(0.0, self.car.throttle)
        return Observation(jpeg_of(self.frame()), self.car.steering_angle_deg, throttle, self.car.speed_mph, extras)

    def _move(self) -> None:
        before = self.place
        self.car.speed_mph = float(self.stretch.speed_mph[before.index])
        self._yaw_rate = GAME.step(self._yaw_rate, self.car.speed_mph, self.car.steering)
        self.car.roll(self.car.speed_mph * MPS_PER_MPH * STEP_S, -self._yaw_rate * STEP_S)
        self.place = self._locate(before.index)
        self.log.note(STEP_S, self.place.distance_m - before.distance_m, self.place, self.car)
        if abs(self.place.offset_m) > self.intervention_m or abs(self.heading_error_rad) > math.pi / 2:
            self.log.note_off_road(self.place, False)
            self._underway.clear()
            self._put(self.place.index)
        if self.place.index == len(self.stretch.x) - 1:
            self._before_m += self.stretch.length_m
            self._over = not self._next_stretch()

    def _next_stretch(self) -> bool:
        """Go on at the start of the next one; whether there is one."""
        stretch = next(self._stretches, None)
        if stretch is not None:
            self.stretch = stretch
            self.log.note_jump()
            self._decoded_row = -1
            self._underway.clear()
            self._put(0)
        return stretch is not None

    def _put(self, index: int) -> None:
        """On the human's line there, steering and turning as the human."""
        line = self.stretch
        self._yaw_rate = float(line.yaw_rate[index])
        pose = float(line.x[index]), float(line.y[index]), float(line.heading_rad[index])
        self.car = Car(*pose, float(line.speed_mph[index]), float(line.steering[index]))
        self.place = self._locate(index)

    def _locate(self, index: int) -> Place:
        """The car's place on the line, from step `index` on; the line is only ever followed forwards."""
        line, last = self.stretch, len(self.stretch.x) - 1
        while True:
            heading = float(line.heading_rad[index])
            dx, dy = self.car.x - line.x[index], self.car.y - line.y[index]
            ahead = dx * math.cos(heading) + dy * math.sin(heading)
            if index == last or ahead < (line.distance_m[index + 1] - line.distance_m[index]) / 2:
                break
            index += 1
        offset = dy * math.cos(heading) - dx * math.sin(heading)
        return Place(index, self._before_m + float(line.distance_m[index]), float(offset), heading)
