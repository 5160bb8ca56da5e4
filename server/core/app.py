"""Socket.IO events: the server's loop of a frame.

A telemetry goes to its simulator's session, the session makes the reply, the simulator gets it, and then the observers
get a copy. Telemetries that queue up behind a slow answer are all answered with the newest frame's prediction.
A simulator that the model drives alone is answered on the event loop, which is the shortest way. With several, threads
decode and steer, so that heartbeats, pages and the other simulators need not wait for a model. Each simulator has at
most one frame on those threads, and the simulators take turns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from inference.driver import Driver
from protocol.messages import Control
from server.core.latency import LatencyLog
from server.core.metrics import Metrics
from server.core.observer import AnsweredFrame, Observer
from server.core.session import Reply, SimulatorSession, UnreadablePayload
from server.health.model_answers import ModelAnswers
from server.health.refusals import Refusals
from server.health.slowness import Slowness
from server.net.green import deadline, in_thread, sleep, spawn
from server.net.transport import SimulatorServer

log = logging.getLogger(__name__)

MAX_SIMULATORS = 64
"""The access control refuses connections beyond this."""

MAX_WAITING = 256
"""Telemetries that may wait behind an answer that the client does not read; a car that drives has a few.
The server closes the connection of a client with more, and the client may connect again."""


class DrivingApp:
    """Serves simulators. new_driver: makes a driver for each simulator; observers: get a copy of each answer.

    `sessions`: the connected simulators by Socket.IO session id. `latency`, `slowness`, `metrics`,
    `refusals`: what to report. `answers`: of the model that drives; the owner replaces it when another takes over.
    `stopping`: whether the end of the server has begun. `paused`: whether every car is kept standing.
    `own_simulator`: whether the server has started a simulator itself.
    `departed`: called with the number of a simulator that has left.
    """

    def __init__(self, new_driver: Callable[[], Driver], observers: Iterable[Observer]) -> None:
        self._new_driver = new_driver
        self._observers = tuple(observers)
        self._observers_lock = threading.Lock()
        self._counting_faults: Counter[str] = Counter()
        self.sessions: dict[str, SimulatorSession] = {}
        self.latency = LatencyLog()
        self.slowness = Slowness()
        self.refusals = Refusals()
        self.answers = ModelAnswers("the model")
        self.metrics = Metrics()
        self.metrics.watch("drive_simulators", "Connected simulators", lambda: len(self.sessions))
        self.metrics.watch("drive_refused", "Attempts of refused simulators so far", lambda: self.refusals.total)
        self.stopping = False
        self.paused = False
        self.own_simulator = False
        self.departed: Callable[[int], None] = lambda number: None
        self.sio = SimulatorServer(unreadable=lambda sid: self._on_telemetry(sid, UnreadablePayload()))
        self.sio.on("connect", self._on_connect)
        self.sio.on("disconnect", self._on_disconnect)
        self.sio.on("telemetry", self._on_telemetry)

    def full(self) -> bool:
        """Whether the server has as many simulators as it takes."""
        return len(self.sio.eio.sockets) >= MAX_SIMULATORS

    def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        numbers = {session.number for session in self.sessions.values()}
        number = next(n for n in range(1, len(numbers) + 2) if n not in numbers)
        session = SimulatorSession(number, self._new_driver())
        session.pause(self.paused or self.stopping)
        self.sessions[sid] = session

    def _on_disconnect(self, sid: str, reason: str = "") -> None:
        session = self.sessions.pop(sid, None)
        if session is not None:
            self.departed(session.number)

    def _on_telemetry(self, sid: str, data: object = None, *more: object) -> None:
        """Answer it now, or, where more bytes have already arrived, after they are read: they may hold a newer view."""
        session = self.sessions.get(sid)
        if session is None:  # it has just left
            return
        session.note_telemetry(data)
        if session.waiting > MAX_WAITING:
            self.sio.cut_off(sid)
        elif not session.answering:
            session.answering = True
            if self.sio.more_waits(sid):
                spawn(self._answer, sid, session)
            else:
                self._answer(sid, session)
        self._count(self.metrics.count_telemetry)

    def _answer(self, sid: str, session: SimulatorSession) -> None:
        """Answer every telemetry that waits, each once, and those that arrive meanwhile."""
        try:
            while session.waiting:
                self._answer_newest(sid, session)
        finally:
            session.answering = False

    def _answer_newest(self, sid: str, session: SimulatorSession) -> None:
        """Answer every telemetry that waits now with the newest one's prediction."""
        count, session.waiting = session.waiting, 0
        arrived_s = session.arrived_s  # another telemetry may arrive meanwhile and set it anew
        answers = self.answers  # another model may take over meanwhile
        if self._drives_alone(session):
            reply = session.respond(session.newest)
        else:
            reply = in_thread(session.respond, session.newest)
            if sid not in self.sessions:  # it has left meanwhile
                return
        ready_s = time.perf_counter()
        for _ in range(count):
            self.sio.send_event(sid, reply.event, reply.payload)
        sent_s = time.perf_counter()
        latency_ms, sending_ms = (sent_s - arrived_s) * 1000, (sent_s - ready_s) * 1000
        session.note_answers(count, reply)
        self.latency.add(latency_ms)
        self.slowness.add(latency_ms)
        self._count(lambda: self.metrics.count_answers(reply, count, latency_ms, sending_ms))
        self._count(lambda: answers.note(session.number, reply))
        self._notify(session.number, reply, latency_ms)

    def _drives_alone(self, session: SimulatorSession) -> bool:
        """Whether no model drives another simulator; a person's driving is answered in no time."""
        return all(other is session or other.manual for other in self.sessions.values())

    def _count(self, count: Callable[[], None]) -> None:
        """Update a metric. An error there is logged once for its kind and costs no answer."""
        try:
            count()
        except Exception as error:  # the edge: a metric may not disturb the drive
            kind = type(error).__name__
            self._counting_faults[kind] += 1
            if self._counting_faults[kind] == 1:
                log.exception("counting an answer failed; driving goes on")

    def _notify(self, number: int, reply: Reply, latency_ms: float) -> None:
        if reply.telemetry is None or reply.control is None:
            return
        answer = AnsweredFrame(number, reply.telemetry, reply.control, time.time(), latency_ms, reply.fresh)
        for observer in self._observers:
            try:
                observer.answered(answer)
            except Exception:  # the edge: an observer may not disturb the drive
                log.exception("%s failed and gets no further answers", type(observer).__name__)
                self.remove_observer(observer)

    def add_observer(self, observer: Observer) -> None:
        """Give it a copy of every answer from now on. Any thread may call this: a new tuple replaces the old one."""
        with self._observers_lock:
            self._observers = (*self._observers, observer)

    def remove_observer(self, observer: Observer) -> None:
        """Give it no further answers. Any thread may call this."""
        with self._observers_lock:
            self._observers = tuple(other for other in self._observers if other is not observer)

    def pause(self, paused: bool) -> None:
        """Brake every car and keep it standing, or let the model drive again."""
        self.paused = paused
        for session in self.sessions.values():
            session.pause(paused or self.stopping)

    def stop_cars(self, limit_s: float = 3.0) -> None:
        """Brake every car that the model drives to a standstill, for at most `limit_s`; then release the throttle."""
        self.stopping = True
        end_s = time.monotonic() + limit_s
        for session in self.sessions.values():
            session.pause(True)
        while time.monotonic() < end_s and any(session.rolling for session in self.sessions.values()):
            sleep(0.02)
        with deadline(1.0):  # a client that reads nothing cannot hold us up
            for sid, session in list(self.sessions.items()):
                reply = session.steer(Control(0.0, 0.0))
                self.sio.send_event(sid, reply.event, reply.payload)
            sleep(0.05)
