"""The drives of a server with several workers: they make the answers, and here the answers are counted and observed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from inference.compiled.network import SIZES
from inference.devices import available_cores
from inference.speed_control import SpeedTarget
from models.adapter.text import ModelSource
from server.config.options import Options
from server.core.app import lowest_free
from server.core.drive_state import DriveState
from server.core.drives import MAX_SIMULATORS, Drives, WsgiApp
from server.core.observer import Observer
from server.model.slot import LoadedModel, ModelSlot
from server.net.green import sleep
from server.net.handover import read_request, take_connection
from server.net.transport import MAX_MESSAGE_BYTES
from server.web.access import FULL, SOCKET_PATH
from server.workers.crew import REASONS, Crew
from server.workers.lanes import LaneHost, is_shared
from server.workers.messages import (
    Answered,
    Begin,
    Connected,
    Disconnected,
    Forget,
    HandOver,
    Pace,
    Pause,
    Report,
    UseModel,
)
from server.workers.process import WorkerProcess

PATIENCE_S, LOOK_EVERY_S = 10.0, 0.05
"""A simulator waits so long for a worker while none is ready."""


class RemoteSession(DriveState):
    """One simulator that a worker answers."""

    def __init__(self, number: int, worker: WorkerProcess) -> None:
        super().__init__(number)
        self.worker = worker
        self._speed_mph = 0.0

    @property
    def speed_mph(self) -> float:
        """The car's latest known speed."""
        return self._speed_mph

    def reset(self) -> None:
        """Forget the drive so far; the simulator has been silent."""
        self.worker.channel.send(Forget(self.number))

    def note(self, report: Answered) -> None:
        """Take what the worker says of an answer."""
        reply = report.sent.reply
        self.answered += report.sent.count
        self.views += reply.fresh
        self.fault, self.waits = reply.fault, reply.waits
        if reply.fault:
            self.faults[reply.fault] += 1
        self.manual = report.manual
        self.last_telemetry_s = time.monotonic()
        self._speed_mph = report.speed_mph


class Fleet(Drives[RemoteSession]):
    """options: of the server, with its number of workers; models, pace: the present ones, which the workers follow."""

    def __init__(self, options: Options, models: ModelSlot, pace: SpeedTarget, observers: Iterable[Observer]) -> None:
        super().__init__(observers)
        self._options = options
        self._models = models
        self._pace = pace
        self._sessions_begun = 0
        self._sids: dict[int, str] = {}
        self._left_out = 0
        self._host = LaneHost()
        self._crew = Crew(options.workers, self._begin, self._take, self._forget_all)
        models.follow(lambda model: self._crew.order(self._use(model)))
        pace.changed = lambda: self._crew.order(_pace(pace))
        self.metrics.watch("drive_workers", "Workers that take simulators", self._ready_workers)
        self.metrics.watch(
            "drive_views_left_out", "Views that observers missed because too many waited", lambda: self._left_out
        )
        self.metrics.watch_each(
            "drive_worker_simulators",
            "Simulators of each worker",
            "worker",
            {str(place + 1): partial(self._load_of, place) for place in range(options.workers)},
        )
        self.metrics.watch_each(
            "drive_worker_restarts",
            "Workers that were replaced so far: hung, ended by a signal, or ended by themselves",
            "reason",
            {reason: partial(self._crew.restarts.__getitem__, reason) for reason in REASONS},
        )

    def start(self) -> None:
        """Start the workers and wait until they take simulators. Raises ValueError with one line."""
        self._crew.start()

    def full(self) -> bool:
        """Whether the server has as many simulators as it takes."""
        return len(self._crew.numbers()) >= MAX_SIMULATORS

    def worker_states(self) -> dict[int, str]:
        """What each worker is, by its number from 1: `ready`, `starting` or `silent`."""
        return {place + 1: worker.state for place, worker in sorted(self._crew.workers.items())}

    def socket_app(self, pages: WsgiApp) -> WsgiApp:
        """The WSGI application of the port. pages: answers all that is not for Socket.IO."""

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ.get("PATH_INFO", "/").startswith(SOCKET_PATH):
                return self._hand_over(environ, start_response)
            return pages(environ, start_response)

        return answer

    def pause(self, paused: bool) -> None:
        """Brake every car and keep it standing, or let the model drive again."""
        self.paused = paused
        self._crew.order(Pause(paused))

    def stop_cars(self) -> None:
        """Let the workers brake every car and end; all that they have answered is counted then."""
        self.stopping = True
        self._crew.stop()

    def _begin(self, place: int) -> Begin:
        model = self._models.model
        at_once = SIZES[-1] if model.engine.together else available_cores()
        lanes = self._host.open_lanes(max(1, at_once // self._options.workers))
        pace, pause = _pace(self._pace), Pause(self.paused)
        return Begin(place, self._options, os.getcwd(), lanes, self._use(model), pace, pause)

    def _use(self, model: LoadedModel) -> UseModel:
        shared = is_shared(model.engine)
        if shared:
            self._host.engine = model.engine
        return UseModel(ModelSource(model.path, model.preprocess), shared, model.engine.answers)

    def _hand_over(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Let a worker answer: the one that has this session, or the least busy one for a new session."""
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_MESSAGE_BYTES:
            return _refuse(start_response, "413 Content Too Large", "the message is too large")
        request = read_request(environ)
        session_id = parse_qs(environ.get("QUERY_STRING", "")).get("sid", [None])[0]
        worker = self._idle_worker() if session_id is None else self._crew.at(session_id.partition(".")[0])
        if session_id is not None and worker is None:
            return _refuse(start_response, "400 Bad Request", "this session has ended")
        if worker is None or (session_id is None and self.full()):  # others may have come while this one waited
            reason = "no worker is ready" if worker is None else FULL.reason
            return _refuse(start_response, FULL.status, reason)
        number = None
        if session_id is None:
            number = lowest_free(self._crew.numbers())
            worker.numbers.add(number)
        worker.answer(lambda key: HandOver(key, request, number), take_connection(environ))
        return []

    def _idle_worker(self) -> WorkerProcess | None:
        """The least busy worker; while none is ready, this waits for one for PATIENCE_S."""
        end_s = time.monotonic() + PATIENCE_S
        while (worker := self._crew.least_busy()) is None and time.monotonic() < end_s:
            sleep(LOOK_EVERY_S)
        return worker

    def _take(self, worker: WorkerProcess, report: Report) -> None:
        """Take a report about a simulator."""
        match report:
            case Connected():
                self._sessions_begun += 1
                sid = self._sids[report.number] = str(self._sessions_begun)
                self.sessions[sid] = RemoteSession(report.number, worker)
            case Answered():
                self._note(report)
            case Disconnected():
                self.note_telemetries(report.unanswered)
                self._forget(report.number)

    def _note(self, report: Answered) -> None:
        self.note_telemetries(report.sent.count)
        session = self.sessions[self._sids[report.number]]
        session.note(report)
        reply = report.sent.reply
        self._left_out += reply.answer is not None and reply.telemetry is None
        self.note_sent(session, report.sent, self.answers)

    def _forget(self, number: int) -> None:
        sid = self._sids.pop(number, None)
        if sid is not None:
            del self.sessions[sid]
            self.departed(number)

    def _forget_all(self, worker: WorkerProcess) -> int:
        """Forget the simulators of a worker that has ended, and return how many it had."""
        numbers = [session.number for session in self.sessions.values() if session.worker is worker]
        for number in numbers:
            self._forget(number)
        return len(numbers)

    def _ready_workers(self) -> int:
        return list(self.worker_states().values()).count("ready")

    def _load_of(self, place: int) -> int:
        worker = self._crew.workers.get(place)
        return len(worker.numbers) if worker is not None else 0


def _pace(pace: SpeedTarget) -> Pace:
    return Pace(pace.target_mph, pace.constant_throttle, pace.models_throttle)


def _refuse(start_response: Any, status: str, reason: str) -> Iterable[bytes]:
    body = json.dumps({"error": reason}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
