"""Says in plain words what is going on, above all why a car does not move.

It looks at the connections a few times a second and speaks when something has changed, so that the frame's path knows
nothing of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.core.app import Connection
from server.core.latency import LatencyLog
from server.health.refusals import Refusals

log = logging.getLogger(__name__)

SILENCE_S = 5.0
"""No telemetry for this long: the driver forgets the drive, and the user is told what to check."""

RATE_AFTER_S = 2.0
REPEAT_S = 30.0
SLOW_MS = 33.0
"""An answer this late costs a simulator at 60 frames a second half of its control rate."""

WAITING = "waiting for the simulator: start it, choose a track and AUTONOMOUS MODE"
SILENT = (
    "simulator %d: connected, but no telemetry for %.0f s. Is it paused, minimised or at its menu? "
    "It sends only in AUTONOMOUS MODE; if the car stands still there, restart the simulator."
)
MANUAL = "simulator %d: a person drives (W or S is held); the model takes over when the key is released"
SLOW = (
    "answers take %.0f ms at p99: too slow for smooth driving on this computer; "
    "close other programs, or drive slower (--speed)"
)


@dataclass(slots=True)
class _Seen:
    """What was last said of one connection."""

    number: int
    state: str
    since_s: float
    connection: Connection
    answered: int = 0
    views: int = 0
    reported: bool = False

    def start(self, now_s: float, connection: Connection) -> None:
        """Count answers and views from here."""
        self.since_s, self.answered, self.views = now_s, connection.answered, connection.session.views


def state_of(connection: Connection, now_s: float) -> str:
    """`silent`, `manual`, `driving`, or `connected` until the first answer. now_s: by time.monotonic."""
    if now_s - connection.last_telemetry_s > SILENCE_S:
        return "silent"
    if connection.session.manual:
        return "manual"
    return "driving" if connection.answered else "connected"


class ConsoleStatus:
    """say: takes a format and its values, as logging does; clock: steady seconds, as the connections use."""

    def __init__(
        self,
        say: Callable[..., None] = log.info,
        warn: Callable[..., None] = log.warning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._warn = warn
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._waiting = False
        self._slow_said = False
        self._refused_said_s: dict[tuple[str, str], float] = {}

    def look(self, connections: Mapping[str, Connection], latency: LatencyLog, refusals: Refusals) -> None:
        """Say what has changed since the last look."""
        for sid in [sid for sid in self._seen if sid not in connections]:
            gone = self._seen.pop(sid)
            self._say("simulator %d: disconnected after %d answers", gone.number, gone.connection.answered)
        if not connections and not self._waiting:
            self._say(WAITING)
        self._waiting = not connections
        for sid, connection in connections.items():
            self._look_at(sid, connection, latency)
        self._look_at_refused(refusals)

    def _look_at_refused(self, refusals: Refusals) -> None:
        """Each refused simulator once, and again every half minute for as long as it tries."""
        recent = {(refused.address, refused.reason): refused for refused in refusals.recent()}
        self._refused_said_s = {key: said_s for key, said_s in self._refused_said_s.items() if key in recent}
        for key, refused in recent.items():
            if self._clock() - self._refused_said_s.get(key, -REPEAT_S) >= REPEAT_S:
                self._refused_said_s[key] = self._clock()
                self._warn("%s", refused)

    def _look_at(self, sid: str, connection: Connection, latency: LatencyLog) -> None:
        now_s, number = self._clock(), connection.session.number
        if sid not in self._seen:
            self._say("simulator %d: connected", number)
            self._seen[sid] = _Seen(number, "connected", now_s, connection)
        seen = self._seen[sid]
        state = state_of(connection, now_s)
        if state != seen.state:
            seen.state, seen.reported = state, False
            seen.start(now_s, connection)
            if state == "silent":
                connection.session.driver.reset()
                self._say(SILENT, number, now_s - connection.last_telemetry_s)
            elif state == "manual":
                self._say(MANUAL, number)
        elif state == "driving":
            self._report(seen, connection, latency, now_s)

    def _report(self, seen: _Seen, connection: Connection, latency: LatencyLog, now_s: float) -> None:
        """The rate after two seconds of driving, then every half minute."""
        span_s = now_s - seen.since_s
        if span_s < (REPEAT_S if seen.reported else RATE_AFTER_S):
            return
        times = latency.percentiles()
        answers_hz = (connection.answered - seen.answered) / span_s
        views_hz = (connection.session.views - seen.views) / span_s
        self._say(
            "simulator %d: driving at %.1f mph; %.0f views and %.0f answers a second, each after %.1f ms (p99 %.1f)",
            seen.number, connection.session.driver.speed_mph, views_hz, answers_hz, times["p50"], times["p99"],
        )  # fmt: skip
        seen.start(now_s, connection)
        seen.reported = True
        if times["p99"] > SLOW_MS and not self._slow_said:
            self._slow_said = True
            self._warn(SLOW, times["p99"])
