"""A recording as a world to drive in: it shifts and turns real frames to where the model's steering takes the car.

NVIDIA judged its driver like this before a road test (Bojarski et al., 2016). The model steers, and the car keeps the
speed of the human who recorded. When it strays from the human's line, an intervention returns it there.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from protocol.errors import ProtocolError
from protocol.images import decode_image
from protocol.messages import Frame
from simulator.client.connection import Observation
from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M, Camera
from simulator.render.jpeg import jpeg_of
from simulator.replay.reference_path import ReferencePath
from simulator.replay.view import CAMERAS, Viewer
from simulator.world.car import STEP_S, Car
from simulator.world.drive_log import DriveLog
from simulator.world.stepping import SteppedWorld
from simulator.world.track import Place

INTERVENTION_M = 1.0
"""Distance from the human's line at which a human would intervene (NVIDIA, 2016)."""

ONE_CAMERA_INTERVENTION_M = 0.5
"""The same distance without side cameras: further off, too little of the view is real."""


class ReplayWorld(SteppedWorld):
    """Drives along a recording once, or along the share `laps` of it. latency_s: game time until a control acts.

    intervention_m: distance from the human's line at which an intervention happens. None: 1 m as NVIDIA's, or 0.5 m
    without side cameras. camera: whose view the model sees. The speed is the human's at each place, so throttle and
    brake have no effect. `log` records the drive: its laps are shares of the recording, its off-road events are the
    interventions.
    """

    def __init__(
        self,
        path: ReferencePath,
        laps: float = 1.0,
        latency_s: float = 0.0,
        intervention_m: float | None = None,
        camera: Camera = AUTONOMOUS.center,
    ) -> None:
        self.path = path
        self.log = DriveLog(path.length_m)
        default_m = INTERVENTION_M if path.side_cameras else ONE_CAMERA_INTERVENTION_M
        self.intervention_m = default_m if intervention_m is None else intervention_m
        self._end_m = min(laps, 1.0) * path.length_m
        super().__init__(latency_s)
        self._viewer = Viewer(camera)
        self._decoded: dict[str, Frame] = {}
        self._decoded_row = -1
        self._segment_start_m = 0.0
        self._segments = iter(path.segments)
        self.car = Car(0.0, 0.0, 0.0)
        self.place = Place(0, 0.0, 0.0, 0.0)
        self._over = not self._next_segment()

    @property
    def finished(self) -> bool:
        """Whether the car has reached the recording's end, or the end of the share to be driven."""
        return self._over or self.place.distance_m >= self._end_m

    @property
    def heading_error_rad(self) -> float:
        """The car's direction relative to the human's, positive to the left."""
        return (self.car.heading_rad - self.place.heading_rad + math.pi) % (2 * math.pi) - math.pi

    @property
    def row(self) -> int:
        """The row of the segment whose frame the model sees: the last row that the car has passed."""
        return int(np.searchsorted(self.segment.row_step, self.place.index, side="right")) - 1

    @property
    def human_steering(self) -> float:
        """The human's steering here, -1..1."""
        return float(self.segment.steering[self.place.index])

    def frame(self) -> Frame:
        """Warp the recorded frame to the camera's view from where the car is, uint8 (160, 320, 3).

        Raises OSError, and ValueError for a file that is not an image.
        """
        segment, car = self.segment, self.car
        if self._decoded_row != self.row:
            self._decoded_row = self.row
            self._decoded.clear()
        step = segment.row_step[self._decoded_row]
        heading = float(segment.heading_rad[step])
        cos, sin = math.cos(heading), math.sin(heading)
        dx, dy = car.x - segment.x[step], car.y - segment.y[step]
        heading_error = (car.heading_rad - heading + math.pi) % (2 * math.pi) - math.pi
        ahead = dx * cos + dy * sin + CAMERA_AHEAD_M * (math.cos(heading_error) - 1)
        lateral = dy * cos - dx * sin + CAMERA_AHEAD_M * math.sin(heading_error)
        cameras = CAMERAS if self.path.side_cameras else ("center",)
        frames = {name: partial(self._decode, name) for name in cameras}
        return self._viewer.view(frames, lateral, heading_error, ahead)

    def _decode(self, camera: str) -> Frame:
        """Read the recorded image. Raises OSError, and ValueError for a file that is not an image."""
        if camera not in self._decoded:
            file = getattr(self.segment.samples[self._decoded_row], camera)
            try:
                self._decoded[camera] = decode_image(file.read_bytes())
            except ProtocolError as error:
                raise ValueError(f"{file}: {error}") from None
        return self._decoded[camera]

    def observe(self) -> Observation:
        """Render the frame, and return telemetry with the fields that improved simulator builds add."""
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
        self.car.speed_mph = float(self.segment.speed_mph[before.index])
        self.car.roll(self.car.speed_mph)
        self.place = self._locate(before.index)
        self.log.note(STEP_S, self.place.distance_m - before.distance_m, self.place, self.car)
        if abs(self.place.offset_m) > self.intervention_m or abs(self.heading_error_rad) > math.pi / 2:
            self.log.note_off_road(self.place, False)
            self._pending.clear()
            self._place_car(self.place.index)
        if self.place.index == len(self.segment.x) - 1:
            self._segment_start_m += self.segment.length_m
            self._over = not self._next_segment()

    def _next_segment(self) -> bool:
        """Move the car to the start of the next segment; returns whether there is one."""
        segment = next(self._segments, None)
        if segment is not None:
            self.segment = segment
            self.log.note_jump()
            self._decoded_row = -1
            self._pending.clear()
            self._place_car(0)
        return segment is not None

    def _place_car(self, index: int) -> None:
        """Place the car on the human's line at step `index`, with the human's speed, steering and yaw rate."""
        segment = self.segment
        pose = float(segment.x[index]), float(segment.y[index]), float(segment.heading_rad[index])
        speed_mph, steering = float(segment.speed_mph[index]), float(segment.steering[index])
        self.car = Car(*pose, speed_mph, steering, yaw_rate=float(segment.yaw_rate[index]))
        self.place = self._locate(index)

    def _locate(self, index: int) -> Place:
        """Find the car's place on the path, searching forwards only from step `index`."""
        segment, last = self.segment, len(self.segment.x) - 1
        while True:
            heading = float(segment.heading_rad[index])
            dx, dy = self.car.x - segment.x[index], self.car.y - segment.y[index]
            ahead = dx * math.cos(heading) + dy * math.sin(heading)
            if index == last or ahead < (segment.distance_m[index + 1] - segment.distance_m[index]) / 2:
                break
            index += 1
        offset = dy * math.cos(heading) - dx * math.sin(heading)
        return Place(index, self._segment_start_m + float(segment.distance_m[index]), float(offset), heading)
