"""Logs the state of each simulator in plain words, above all why a car does not move.

It compares the sessions with its last look a few times a second and logs what has changed. So the code that answers
frames does no logging of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.core.drive_state import DriveState
from server.core.latency import LatencyLog
from server.health.model_answers import ModelAnswers
from server.health.refusals import Refusals
from server.health.slowness import Slowness

log = logging.getLogger(__name__)

SILENCE_S = 5.0
"""Without telemetry for this long, the session forgets the drive, and the log says what to check."""

RATE_AFTER_S = 2.0
REPEAT_S = 30.0

WAITING = "waiting for the simulator: start it, choose a track and AUTONOMOUS MODE"
SILENT = (
    "simulator %d: connected, but no telemetry for %.0f s. Is it paused, minimised or at its menu? "
    "It sends only in AUTONOMOUS MODE; if the car stands still there, restart the simulator."
)
MANUAL = "simulator %d: a person drives (W or S is held); the model takes over when the key is released"
LOST = "simulator %d: the model does not know this view: the car waits until it sees a road that the model knows"
SLOW = "answers take up to %.0f ms, which is too slow: close other programs, or drive slower"


@dataclass(slots=True)
class _LastReport:
    """What the log last said of one session, and its counts then. since_s: when that was, by the clock.

    last_warning_s: when it last said that the model does not know the view.
    """

    state: str
    since_s: float
    session: DriveState
    answered: int = 0
    views: int = 0
    rate_reported: bool = False
    last_warning_s: float = -REPEAT_S

    def start(self, now_s: float) -> None:
        """Count answers and views from here."""
        self.since_s, self.answered, self.views = now_s, self.session.answered, self.session.views


def state_of(session: DriveState, now_s: float) -> str:
    """`silent`, `manual`, `lost`, `driving`, or `connected` until the first answer. now_s: by time.monotonic."""
    if now_s - session.last_telemetry_s > SILENCE_S:
        return "silent"
    if session.manual:
        return "manual"
    if session.waits:
        return "lost"
    return "driving" if session.answered else "connected"


class ConsoleStatus:
    """say, warn: take a format and its values, as logging does; clock: seconds, the same as the sessions' clock."""

    def __init__(
        self,
        say: Callable[..., None] = log.info,
        warn: Callable[..., None] = log.warning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._warn = warn
        self._clock = clock
        self._reports: dict[str, _LastReport] = {}
        self._empty = False
        self._slow = False
        self._answers_reported: ModelAnswers | None = None
        self._refusal_reported_s: dict[tuple[str, str], float] = {}

    def look(
        self,
        sessions: Mapping[str, DriveState],
        latency: LatencyLog,
        slowness: Slowness,
        refusals: Refusals,
        answers: ModelAnswers,
        own_simulator: bool = False,
    ) -> None:
        """Log what has changed since the last look. sessions: by Socket.IO session id; answers: the model's.

        own_simulator: whether the server has started a simulator itself; then nobody needs to start one.
        """
        for sid in [sid for sid in self._reports if sid not in sessions]:
            session = self._reports.pop(sid).session
            self._say("simulator %d: disconnected after %d answers", session.number, session.answered)
        if not sessions and not self._empty and not own_simulator:
            self._say(WAITING)
        self._empty = not sessions
        for sid, session in sessions.items():
            self._look_at(sid, session, latency)
        self._look_at_slowness(slowness)
        self._look_at_refused(refusals)
        self._look_at_answers(answers)

    def _look_at_refused(self, refusals: Refusals) -> None:
        """Log each refused simulator once, and again every half minute while it goes on trying."""
        recent = {(simulator.address, simulator.reason): simulator for simulator in refusals.recent()}
        self._refusal_reported_s = {key: time_s for key, time_s in self._refusal_reported_s.items() if key in recent}
        for key, simulator in recent.items():
            if self._clock() - self._refusal_reported_s.get(key, -REPEAT_S) >= REPEAT_S:
                self._refusal_reported_s[key] = self._clock()
                self._warn("%s", simulator)

    def _look_at_slowness(self, slowness: Slowness) -> None:
        """Warn when answers have become too slow."""
        slow_ms = slowness.slow_ms()
        if slow_ms is not None and not self._slow:
            self._warn(SLOW, slow_ms)
        self._slow = slow_ms is not None

    def _look_at_answers(self, answers: ModelAnswers) -> None:
        """Name a model with strange answers once."""
        if answers is not self._answers_reported and (strangeness := answers.strangeness()):
            self._answers_reported = answers
            self._warn("%s", strangeness)

    def _look_at(self, sid: str, session: DriveState, latency: LatencyLog) -> None:
        now_s = self._clock()
        if sid not in self._reports:
            self._say("simulator %d: connected", session.number)
            self._reports[sid] = _LastReport("connected", now_s, session)
        last = self._reports[sid]
        state = state_of(session, now_s)
        if state != last.state:
            last.state, last.rate_reported = state, False
            last.start(now_s)
            if state == "silent":
                session.reset()
                self._say(SILENT, session.number, now_s - session.last_telemetry_s)
            elif state == "manual":
                self._say(MANUAL, session.number)
            elif state == "lost" and now_s - last.last_warning_s >= REPEAT_S:
                last.last_warning_s = now_s
                self._warn(LOST, session.number)
        elif state == "driving":
            self._report_rate(last, latency, now_s)

    def _report_rate(self, last: _LastReport, latency: LatencyLog, now_s: float) -> None:
        """Log the rate after two seconds of driving, then every half minute."""
        span_s = now_s - last.since_s
        if span_s < (REPEAT_S if last.rate_reported else RATE_AFTER_S):
            return
        session, times = last.session, latency.percentiles()
        answers_hz = (session.answered - last.answered) / span_s
        views_hz = (session.views - last.views) / span_s
        self._say(
            "simulator %d: driving at %.1f mph; %.0f views and %.0f answers a second, each after %.1f ms (p99 %.1f)",
            session.number, session.speed_mph, views_hz, answers_hz, times["p50"], times["p99"],
        )  # fmt: skip
        last.start(now_s)
        last.rate_reported = True
