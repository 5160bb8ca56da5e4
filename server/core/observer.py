"""Observers of a drive: the server gives each of them a copy of every answer after it has sent the answer.

An observer's `answered` runs on the event loop between two frames, so it only queues its data. Work that takes time
(disk, encoder) runs on the observer's own thread. A slow or failing observer loses its own data and delays no frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from protocol.images import decode_image
from protocol.messages import Control, Frame, Telemetry

_NO_FRAME = np.empty((0, 0, 3), np.uint8)


def without_frame(telemetry: Telemetry) -> Telemetry:
    """The telemetry with its image (13 kB) and without the image's pixels (154 kB), to be kept or sent on."""
    return replace(telemetry, frame=_NO_FRAME)


@dataclass(frozen=True, slots=True)
class AnsweredFrame:
    """One telemetry and its answer. simulator: the simulator's number, from 1; time_s: seconds since 1970.

    latency_ms: from the telemetry's arrival to the answer's sending. fresh: whether the telemetry shows another view
    than the one before; the simulator sends each view twice.
    """

    simulator: int
    telemetry: Telemetry
    control: Control
    time_s: float
    latency_ms: float
    fresh: bool = True

    @property
    def frame(self) -> Frame:
        """The pixels of the view; they are decoded anew if only the image came along."""
        telemetry = self.telemetry
        return telemetry.frame if telemetry.frame.size else decode_image(telemetry.image)


class Observer(Protocol):
    """What DrivingApp calls after each answer and at the end."""

    def answered(self, answer: AnsweredFrame) -> None:
        """Take one answer; must not block."""
        ...

    def close(self) -> None:
        """Finish the queued work and leave complete files."""
        ...
