"""Socket.IO events and Flask routes: the one module that knows both, and the server's loop of a frame.

telemetry -> its session -> reply, sent to the asker alone -> observers are told.
Telemetries that were waiting while another was answered are all answered with the newest one's prediction: none is
steered by a view that a newer one has overtaken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import eventlet
import flask
import socketio

from protocol.messages import Control
from server.driver import Driver
from server.latency import LatencyLog
from server.observers import Answered, Observer
from server.session import Reply, Session, Unreadable
from server.transport import SimulatorServer

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Connection:
    """One connected simulator: its session, the payloads that wait for an answer, and when they came."""

    session: Session
    waiting: list[object] = field(default_factory=list)
    arrived_s: float = 0.0
    answered: int = 0
    last_telemetry_s: float = field(default_factory=time.monotonic)


class DrivingApp:
    """Serves simulators. new_driver: makes a driver for each; description: model, engine, ... for /healthz.

    `wsgi` is the application to serve; `latency`, `connections` are for those who report.
    """

    def __init__(
        self, new_driver: Callable[[], Driver], observers: Iterable[Observer], description: dict[str, object]
    ) -> None:
        self._new_driver = new_driver
        self._observers = list(observers)
        self._description = description
        self.connections: dict[str, Connection] = {}
        self.latency = LatencyLog()
        self.sio = SimulatorServer(unreadable=lambda sid: self._on_telemetry(sid, Unreadable()))
        self.sio.on("connect", self._on_connect)
        self.sio.on("disconnect", self._on_disconnect)
        self.sio.on("telemetry", self._on_telemetry)
        self.wsgi = socketio.WSGIApp(self.sio, self._routes())

    def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        taken = {connection.session.number for connection in self.connections.values()}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        self.connections[sid] = Connection(Session(number, self._new_driver()))

    def _on_disconnect(self, sid: str, reason: str = "") -> None:
        self.connections.pop(sid, None)

    def _on_telemetry(self, sid: str, data: object = None, *more: object) -> None:
        """Answer it, or, where more has already arrived, once that is read: a newer view may be among it."""
        connection = self.connections.get(sid)
        if connection is None:  # it has just left
            return
        connection.waiting.append(data)
        if len(connection.waiting) == 1:
            connection.arrived_s = time.perf_counter()
            if self.sio.more_waits(sid):
                eventlet.spawn_n(self._answer, sid, connection)
            else:
                self._answer(sid, connection)

    def _answer(self, sid: str, connection: Connection) -> None:
        """Answer all that wait, each once, with what the newest one shows."""
        waiting, connection.waiting = connection.waiting, []
        reply = connection.session.respond(waiting[-1])
        for _ in waiting:
            self.sio.send_event(sid, reply.event, reply.payload)
        latency_ms = (time.perf_counter() - connection.arrived_s) * 1000
        connection.answered += len(waiting)
        connection.last_telemetry_s = time.monotonic()
        self.latency.add(latency_ms)
        self._tell(connection.session.number, reply, latency_ms)

    def _tell(self, number: int, reply: Reply, latency_ms: float) -> None:
        if reply.telemetry is None or reply.control is None:
            return
        answer = Answered(number, reply.telemetry, reply.control, time.time(), latency_ms)
        for observer in self._observers:
            try:
                observer.answered(answer)
            except Exception:  # the edge: who watches may not disturb the drive
                log.exception("%s failed and is told nothing more", type(observer).__name__)
                self._observers.remove(observer)
                break

    def stop_cars(self, limit_s: float = 3.0) -> None:
        """Brake every driven car to a standstill, for at most `limit_s`, then leave it without throttle."""
        end_s = time.monotonic() + limit_s
        for connection in self.connections.values():
            connection.session.driver.stopping = True
        while time.monotonic() < end_s and any(self._rolling(c) for c in self.connections.values()):
            eventlet.sleep(0.02)
        with eventlet.Timeout(1.0, False):  # a client that reads nothing cannot hold us up
            for sid, connection in list(self.connections.items()):
                reply = connection.session.steer(Control(0.0, 0.0))
                self.sio.send_event(sid, reply.event, reply.payload)
            eventlet.sleep(0.05)

    @staticmethod
    def _rolling(connection: Connection) -> bool:
        driven = time.monotonic() - connection.last_telemetry_s < 1.0 and not connection.session.manual
        return driven and connection.answered > 0 and abs(connection.session.driver.speed_mph) > 1.0

    def status(self) -> dict[str, object]:
        """What the server is and does, for people and machines."""
        simulators = [
            {
                "simulator": c.session.number,
                "answered": c.answered,
                "speed_mph": c.session.driver.speed_mph,
                "manual": c.session.manual,
                "silent_s": round(time.monotonic() - c.last_telemetry_s, 1),
                "faults": dict(c.session.faults),
            }
            for c in self.connections.values()
        ]
        return {**self._description, "latency_ms": self.latency.percentiles(), "simulators": simulators}

    def _routes(self) -> flask.Flask:
        web = flask.Flask(__name__, static_folder=None)

        @web.get("/healthz")
        def healthz() -> flask.Response:
            return flask.jsonify(self.status())

        @web.get("/")
        def index() -> str:
            return flask.render_template("index.html", status=self.status())

        return web
