"""Socket.IO events: the server's loop of a frame.

telemetry -> its session -> reply, sent to the asker alone -> observers are told.
Telemetries that were waiting while another was answered are all answered with the newest one's prediction: none is
steered by a view that a newer one has overtaken.
One simulator is answered on the loop itself, the shortest way. With more, frames are decoded and steered on threads, so
that neither heartbeats nor pages nor the other simulators wait for a model; each simulator has one frame there at a
time and they take turns, so that none crowds out another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from inference.driver import Driver
from protocol.messages import Control
from server.core.latency import LatencyLog
from server.core.metrics import Metrics
from server.core.observer import Answered, Observer
from server.core.session import Reply, Session, Unreadable
from server.health.refusals import Refusals
from server.net.green import deadline, in_thread, sleep, spawn
from server.net.transport import SimulatorServer

log = logging.getLogger(__name__)

MAX_SIMULATORS = 64
"""Connections beyond this are refused at the door."""

MAX_WAITING = 256
"""Telemetries of one client behind an answer that it does not read; one that drives has a few. More ends its
connection, which it may open again."""


@dataclass(slots=True)
class Connection:
    """One connected simulator: its session, how many telemetries wait for an answer, and since when.

    newest: the payload of the last that came. answering: whether somebody is at it, or will be at once.
    fault: the kind of what was wrong with the latest frame, None when nothing was.
    """

    session: Session
    waiting: int = 0
    newest: object = None
    answering: bool = False
    arrived_s: float = 0.0
    answered: int = 0
    fault: str | None = None
    last_telemetry_s: float = field(default_factory=time.monotonic)


class DrivingApp:
    """Serves simulators. new_driver: makes a driver for each; observers: are told of each answer.

    `latency`, `metrics`, `connections`, `refusals` are for those who report; `stopping` is set once the end has begun,
    `paused` while every car is kept standing; `departed` is called with the number of a simulator that left.
    """

    def __init__(self, new_driver: Callable[[], Driver], observers: Iterable[Observer]) -> None:
        self._new_driver = new_driver
        self._observers = tuple(observers)
        self._observers_lock = threading.Lock()
        self._slips: Counter[str] = Counter()
        self.connections: dict[str, Connection] = {}
        self.latency = LatencyLog()
        self.refusals = Refusals()
        self.metrics = Metrics()
        self.metrics.watch("drive_simulators", "Connected simulators", lambda: len(self.connections))
        self.metrics.watch("drive_refused", "Attempts of refused simulators so far", lambda: self.refusals.total)
        self.stopping = False
        self.paused = False
        self.departed: Callable[[int], None] = lambda number: None
        self.sio = SimulatorServer(unreadable=lambda sid: self._on_telemetry(sid, Unreadable()))
        self.sio.on("connect", self._on_connect)
        self.sio.on("disconnect", self._on_disconnect)
        self.sio.on("telemetry", self._on_telemetry)

    def full(self) -> bool:
        """Whether no further simulator can be taken."""
        return len(self.sio.eio.sockets) >= MAX_SIMULATORS

    def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        taken = {connection.session.number for connection in self.connections.values()}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        driver = self._new_driver()
        driver.stopping = self.paused or self.stopping
        self.connections[sid] = Connection(Session(number, driver))

    def _on_disconnect(self, sid: str, reason: str = "") -> None:
        connection = self.connections.pop(sid, None)
        if connection is not None:
            self.departed(connection.session.number)

    def _on_telemetry(self, sid: str, data: object = None, *more: object) -> None:
        """Answer it, or, where more has already arrived, once that is read: a newer view may be among it."""
        connection = self.connections.get(sid)
        if connection is None:  # it has just left
            return
        connection.waiting += 1
        connection.newest = data
        if connection.waiting == 1:
            connection.arrived_s = time.perf_counter()
        if connection.waiting > MAX_WAITING:
            self.sio.cut_off(sid)
        elif not connection.answering:
            connection.answering = True
            if self.sio.more_waits(sid):
                spawn(self._answer, sid, connection)
            else:
                self._answer(sid, connection)
        self._beside(self.metrics.received)

    def _answer(self, sid: str, connection: Connection) -> None:
        """Answer all that wait, each once, with what the newest one shows; and those that came meanwhile."""
        try:
            while connection.waiting:
                self._answer_once(sid, connection)
        finally:
            connection.answering = False

    def _answer_once(self, sid: str, connection: Connection) -> None:
        count, connection.waiting = connection.waiting, 0
        arrived_s = connection.arrived_s  # further ones may come meanwhile
        if len(self.connections) == 1:
            reply = connection.session.respond(connection.newest)
        else:
            reply = in_thread(connection.session.respond, connection.newest)
            if sid not in self.connections:  # it has left meanwhile
                return
        ready_s = time.perf_counter()
        for _ in range(count):
            self.sio.send_event(sid, reply.event, reply.payload)
        sent_s = time.perf_counter()
        latency_ms, sending_ms = (sent_s - arrived_s) * 1000, (sent_s - ready_s) * 1000
        connection.answered += count
        connection.fault = reply.fault
        connection.last_telemetry_s = time.monotonic()
        self.latency.add(latency_ms)
        self._beside(lambda: self.metrics.answered(reply, count, latency_ms, sending_ms))
        self._tell(connection.session.number, reply, latency_ms)

    def _beside(self, note: Callable[[], None]) -> None:
        """Count something; a fault in counting is logged once for its kind and costs no answer."""
        try:
            note()
        except Exception as error:  # the edge: who counts may not disturb the drive
            kind = type(error).__name__
            self._slips[kind] += 1
            if self._slips[kind] == 1:
                log.exception("counting an answer failed; driving goes on")

    def _tell(self, number: int, reply: Reply, latency_ms: float) -> None:
        if reply.telemetry is None or reply.control is None:
            return
        answer = Answered(number, reply.telemetry, reply.control, time.time(), latency_ms, reply.fresh)
        for observer in self._observers:
            try:
                observer.answered(answer)
            except Exception:  # the edge: who watches may not disturb the drive
                log.exception("%s failed and is told nothing more", type(observer).__name__)
                self.remove_observer(observer)

    def add_observer(self, observer: Observer) -> None:
        """Tell it of every answer from now on. For any thread: a new tuple takes the old one's place."""
        with self._observers_lock:
            self._observers = (*self._observers, observer)

    def remove_observer(self, observer: Observer) -> None:
        """Tell it nothing more. For any thread."""
        with self._observers_lock:
            self._observers = tuple(each for each in self._observers if each is not observer)

    def pause(self, paused: bool) -> None:
        """Brake every car and keep it standing, or let the model drive again."""
        self.paused = paused
        for connection in self.connections.values():
            driver = connection.session.driver
            if driver.stopping and not paused:
                driver.reset()  # what the throttle's control had summed up before the pause is worth nothing
            driver.stopping = paused or self.stopping

    def stop_cars(self, limit_s: float = 3.0) -> None:
        """Brake every driven car to a standstill, for at most `limit_s`, then leave it without throttle."""
        self.stopping = True
        end_s = time.monotonic() + limit_s
        for connection in self.connections.values():
            connection.session.driver.stopping = True
        while time.monotonic() < end_s and any(self._rolling(c) for c in self.connections.values()):
            sleep(0.02)
        with deadline(1.0):  # a client that reads nothing cannot hold us up
            for sid, connection in list(self.connections.items()):
                reply = connection.session.steer(Control(0.0, 0.0))
                self.sio.send_event(sid, reply.event, reply.payload)
            sleep(0.05)

    @staticmethod
    def _rolling(connection: Connection) -> bool:
        driven = time.monotonic() - connection.last_telemetry_s < 1.0 and not connection.session.manual
        return driven and connection.answered > 0 and abs(connection.session.driver.speed_mph) > 1.0
