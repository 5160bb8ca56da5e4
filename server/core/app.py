"""Socket.IO events: the server's loop of a frame.

A telemetry goes to its simulator's session, the session makes the reply, the simulator gets it, and then the observers
get a copy. Telemetries that queue up behind a slow answer are all answered with the newest frame's prediction.
A simulator that the model drives alone is answered on the event loop, which is the shortest way. With several, threads
decode and steer, so that heartbeats, pages and the other simulators need not wait for a model. Each simulator has at
most one frame on those threads, and the simulators take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from inference.driver import Driver
from protocol.messages import Control
from server.core.drives import MAX_SIMULATORS, Drives, WsgiApp
from server.core.observer import Observer
from server.core.session import SentReply, SimulatorSession, UnreadablePayload
from server.net.green import deadline, in_thread, sleep, spawn
from server.net.transport import SimulatorServer

MAX_WAITING = 256
"""Telemetries that may wait behind an answer that the client does not read; a car that drives has a few.
The server closes the connection of a client with more, and the client may connect again."""

STOP_S = 3.0
"""The end waits this long for cars to stand."""


def lowest_free(numbers: set[int]) -> int:
    """The lowest number from 1 that is none of these."""
    return next(number for number in range(1, len(numbers) + 2) if number not in numbers)


class DrivingApp(Drives[SimulatorSession]):
    """Serves simulators. new_driver: makes a driver for each simulator; observers: get a copy of each answer."""

    def __init__(self, new_driver: Callable[[], Driver], observers: Iterable[Observer]) -> None:
        super().__init__(observers)
        self._new_driver = new_driver
        self.sio = SimulatorServer(unreadable=lambda sid: self._on_telemetry(sid, UnreadablePayload()))
        self.sio.on("connect", self._on_connect)
        self.sio.on("disconnect", self._on_disconnect)
        self.sio.on("telemetry", self._on_telemetry)

    def full(self) -> bool:
        """Whether the server has as many simulators as it takes."""
        return len(self.sio.eio.sockets) >= MAX_SIMULATORS

    def socket_app(self, pages: WsgiApp) -> WsgiApp:
        """The WSGI application of the port. pages: answers all that is not for Socket.IO."""
        return self.sio.wsgi_app(pages)

    def number_for(self, environ: dict[str, Any]) -> int:
        """The number of a simulator that connects: the lowest that is free. environ: of its first request."""
        return lowest_free({session.number for session in self.sessions.values()})

    def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        session = SimulatorSession(self.number_for(environ), self._new_driver())
        session.pause(self.paused or self.stopping)
        self.sessions[sid] = session

    def _on_disconnect(self, sid: str, reason: str = "") -> None:
        session = self.sessions.pop(sid, None)
        if session is not None:
            self.note_departure(session)

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
        self.note_telemetries(1)

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
        session.note_answers(count, reply)
        latency_ms, sending_ms = (sent_s - arrived_s) * 1000, (sent_s - ready_s) * 1000
        self.note_sent(session, SentReply(reply, count, latency_ms, sending_ms, time.time()), answers)

    def _drives_alone(self, session: SimulatorSession) -> bool:
        """Whether no model drives another simulator; a person's driving is answered in no time."""
        return all(other is session or other.manual for other in self.sessions.values())

    def pause(self, paused: bool) -> None:
        """Brake every car and keep it standing, or let the model drive again."""
        self.paused = paused
        for session in self.sessions.values():
            session.pause(paused or self.stopping)

    def stop_cars(self, limit_s: float = STOP_S) -> None:
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
