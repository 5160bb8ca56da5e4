"""The two messages of the simulator's loop, Telemetry in and Control out, as frozen types with units.

They hold decoded values; `protocol.wire` converts them from and to the wire format. A driver can thus be written and
tested without strings, base64 or sockets.
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
"""Wheel angle at a steering value of 1."""

EFFECTIVE_WHEELBASE_M = 2.60
"""Wheelbase of the bicycle model that turns as Udacity's car does, fitted to steering and yaw of one recorded lap.

The car's axles are 2.87 m apart (Udacity's Unity project, prefab `CarWaypointBased`). A bicycle whose tyres never slip
fits with 2.72 m; docs/replay.md compares them.
"""

MPS_PER_MPH = 0.44704
"""Metres per second in one mile per hour, exactly."""

SURE, LOST = 0.3, 0.02
"""A model knows the view from the first confidence on, and has no idea of it below the second.

Pictures that are no road get 0.00 to 0.02. With 0.7 and 0.2 a careful car stood still in a jungle that its model knows.
"""

Frame = npt.NDArray[np.uint8]
"""A camera frame: uint8 RGB of FRAME_SHAPE."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One report of the simulator: what the car sees and how it moves.

    frame: uint8 RGB (160, 320, 3), the centre camera.
    image: the JPEG or PNG bytes as received; a recording stores them without encoding the frame again.
    steering_angle_deg: angle of the front wheels, -25..25 degrees, positive right.
    throttle: 0..1, the value last applied.
    speed_mph: miles an hour.
    extras: further fields that other simulator builds send (`cte`, `lapNumber`, ...), as received.
    """

    frame: Frame
    image: bytes
    steering_angle_deg: float
    throttle: float
    speed_mph: float
    extras: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Control:
    """One command to the simulator; both values are clamped to the range that it accepts.

    steering: -1..1 (times 25 degrees), positive right. throttle: -1..1, negative brakes.
    confidence: 0..1, how well the model knows the view, for those who want it; None from a model that does not say. It
    is clamped, too, and nan counts as 0.

    Raises ValueError when either is not a finite number.
    """

    steering: float
    throttle: float
    confidence: float | None = None

    def __post_init__(self) -> None:
        for name in ("steering", "throttle"):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {value!r}")
            object.__setattr__(self, name, min(1.0, max(-1.0, float(value))))
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            object.__setattr__(self, "confidence", 1.0 if self.confidence > 1.0 else 0.0)
