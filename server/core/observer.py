"""Observers of a drive: the server gives each of them a copy of every answer after it has sent the answer.

An observer's `answered` runs on the event loop between two frames, so it only queues its data. Work that takes time
(disk, encoder) runs on the observer's own thread. A slow or failing observer loses its own data and delays no frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from protocol.messages import Control, Telemetry


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


class Observer(Protocol):
    """What DrivingApp calls after each answer and at the end."""

    def answered(self, answer: AnsweredFrame) -> None:
        """Take one answer; must not block."""
        ...

    def close(self) -> None:
        """Finish the queued work and leave complete files."""
        ...
