"""What one car has shown so far: its latest camera frames, and how it moved when the newest one was taken."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.adapter.measurements import MEASUREMENTS
from protocol.messages import MAX_STEERING_ANGLE_DEG, Frame, Telemetry

Frames = npt.NDArray[np.uint8]


class Motion(NamedTuple):
    """How the car moves: miles an hour, steering -1..1, throttle 0..1; the order of MEASUREMENTS."""

    speed_mph: float = 0.0
    steering: float = 0.0
    throttle: float = 0.0


assert len(Motion._fields) == len(MEASUREMENTS)


def motion_of(telemetry: Telemetry) -> Motion:
    """The motion that a telemetry reports."""
    return Motion(telemetry.speed_mph, telemetry.steering_angle_deg / MAX_STEERING_ANGLE_DEG, telemetry.throttle)


class Observations:
    """The frames of one car, uint8 RGB (160, 320, 3), as far back as a network has asked for, and its `motion`.

    `frame`: the newest one.
    """

    def __init__(self) -> None:
        self.motion = Motion()
        self._frames: deque[Frame] = deque(maxlen=1)

    def add(self, frame: Frame, motion: Motion = Motion()) -> None:  # noqa: B008 - a Motion never changes
        """Add the next frame. A view that the simulator sends twice counts once, for a network of several frames."""
        self.motion = motion
        repeats = self._frames.maxlen != 1 and self._frames and np.array_equal(self._frames[-1], frame)
        if not repeats:
            self._frames.append(frame)

    @property
    def frame(self) -> Frame:
        """The newest frame. Raises IndexError before the first one."""
        return self._frames[-1]

    def stack(self, count: int) -> Frames:
        """The last `count` frames, (count, 160, 320, 3), oldest first; the oldest one fills missing places."""
        if self._frames.maxlen != count:
            self._frames = deque(self._frames, maxlen=max(count, self._frames.maxlen or 1))
        frames = list(self._frames)[-count:]
        return np.stack([frames[0]] * (count - len(frames)) + frames)

    def measurements(self) -> npt.NDArray[np.float32]:
        """The motion as a network's input, float32 (1, 3)."""
        return np.array([self.motion], np.float32)
