"""Who watches a drive: told of every answer after it is sent, never asked before.

An observer's `answered` runs between two frames on the loop that answers, so it only hands over; whatever takes time
(disk, encoder) happens on the observer's own thread. A slow or failing observer loses its own data, never a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from protocol.messages import Control, Telemetry


@dataclass(frozen=True, slots=True)
class Answered:
    """One telemetry and what was answered. simulator: its number, from 1; time_s: seconds since 1970;
    latency_ms: from the telemetry's arrival to its answer's sending; fresh: whether it shows another view than the one
    before, for the simulator sends each view twice."""

    simulator: int
    telemetry: Telemetry
    control: Control
    time_s: float
    latency_ms: float
    fresh: bool = True


class Observer(Protocol):
    """Watches drives."""

    def answered(self, answer: Answered) -> None:
        """Take note; must not block."""
        ...

    def close(self) -> None:
        """Finish what is queued and leave whole files."""
        ...
