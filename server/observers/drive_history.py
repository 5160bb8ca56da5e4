"""Keeps the last two minutes of one car's drive, and where the car is, so that a page that opens now shows them."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from protocol.messages import MAX_STEERING_ANGLE_DEG
from protocol.position import LinePoint, Whereabouts, read_position
from server.core.observer import AnsweredFrame

HISTORY_S = 120.0
SAMPLE_S = 0.25


class DriveMoment(NamedTuple):
    """The figures of one moment. time_s: seconds since 1970; command_deg: positive right; latency_ms: mean since the
    sample before; confidence: 0..1, None from a model without one; offset_m: from the middle of the road, positive
    right, or None where the simulator reports none."""

    time_s: float
    speed_mph: float
    command_deg: float
    throttle: float
    latency_ms: float
    rate_hz: float
    confidence: float | None
    offset_m: float | None


class DriveHistory:
    """One car's. `samples`: of the last HISTORY_S, oldest first. `whereabouts`: place, laps and driven line.

    `best_lap_s`: the quickest lap of this drive. `drives`: how often a drive has begun anew, with an empty line.
    """

    def __init__(self) -> None:
        self.samples: deque[DriveMoment] = deque(maxlen=round(HISTORY_S / SAMPLE_S))
        self.whereabouts = Whereabouts()
        self.best_lap_s: float | None = None
        self.drives = 0
        self._latency_ms = 0.0
        self._answers = 0

    def note(self, answer: AnsweredFrame, rate_hz: float) -> None:
        """Take the next answer."""
        if answer.fresh:
            self._follow(answer)
        self._latency_ms += answer.latency_ms
        self._answers += 1
        elapsed_s = answer.time_s - self.samples[-1].time_s if self.samples else SAMPLE_S
        if elapsed_s < 0:  # the clock was set back
            self.samples.clear()
        if 0 <= elapsed_s < SAMPLE_S:
            return
        while self.samples and answer.time_s - self.samples[0].time_s > HISTORY_S:
            self.samples.popleft()
        telemetry, control = answer.telemetry, answer.control
        sample = DriveMoment(
            time_s=round(answer.time_s, 3),
            speed_mph=round(telemetry.speed_mph, 2),
            command_deg=round(control.steering * MAX_STEERING_ANGLE_DEG, 2),
            throttle=round(control.throttle, 3),
            latency_ms=round(self._latency_ms / self._answers, 2),
            rate_hz=round(rate_hz, 1),
            confidence=None if control.confidence is None else round(control.confidence, 2),
            offset_m=self.whereabouts.position.lateral_offset_m,
        )
        self.samples.append(sample)
        self._latency_ms, self._answers = 0.0, 0

    def _follow(self, answer: AnsweredFrame) -> None:
        before = self.whereabouts.added
        self.whereabouts.note(read_position(answer.telemetry.extras), answer.time_s)
        self.drives += self.whereabouts.added < before
        lap_s = self.whereabouts.last_lap_s
        self.best_lap_s = None if lap_s is None else min(lap_s, self.best_lap_s or lap_s)

    def line_after(self, added: int, limit: int) -> list[LinePoint] | None:
        """The points of this drive's line after the first `added`, at most `limit`; None if the first is gone."""
        line = self.whereabouts.line
        start = len(line) - (self.whereabouts.added - added)
        return None if start < 0 else list(islice(line, start, start + limit))
