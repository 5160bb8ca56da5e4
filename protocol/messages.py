"""Telemetry in, control out: the two messages of a simulator's loop, as frozen types with units.

They hold what the simulator means, free of how it spells it (`protocol.wire` does the spelling), so that a driver can
be written and tested without strings, base64 or sockets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FRAME_ROWS = 160
FRAME_COLUMNS = 320
FRAME_SHAPE = (FRAME_ROWS, FRAME_COLUMNS, 3)
"""Rows, columns and RGB channels of the simulator's centre camera."""

MAX_STEERING_ANGLE_DEG = 25.0
"""Wheel angle that a steering value of 1 stands for."""

EFFECTIVE_WHEELBASE_M = 2.60
"""Length of the bicycle model that turns as Udacity's car does, from the steering and the yaw of one recorded lap.

The axles themselves stand 2.87 m apart (Udacity's Unity project, prefab `CarWaypointBased`); docs/replay.md compares.
"""

MPS_PER_MPH = 0.44704
"""Metres a second in one mile an hour, exactly."""

Frame = npt.NDArray[np.uint8]
"""A camera frame: uint8 RGB of FRAME_SHAPE."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One report of the simulator: what the car sees and how it moves.

    frame: uint8 RGB (160, 320, 3), the centre camera.
    image: the JPEG or PNG bytes as received, for recording without encoding again.
    steering_angle_deg: angle of the front wheels, -25..25 degrees, positive right.
    throttle: 0..1, as last applied.
    speed_mph: miles an hour.
    extras: fields that improved simulator builds add (`cte`, `lapNumber`, ...), as they came.
    """

    frame: Frame
    image: bytes
    steering_angle_deg: float
    throttle: float
    speed_mph: float
    extras: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Control:
    """One command to the simulator, clamped to what it accepts.

    steering: -1..1 (times 25 degrees), positive right. throttle: -1..1, negative brakes.

    Raises ValueError when either is not a finite number.
    """

    steering: float
    throttle: float

    def __post_init__(self) -> None:
        for name in ("steering", "throttle"):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {value!r}")
            object.__setattr__(self, name, min(1.0, max(-1.0, float(value))))
