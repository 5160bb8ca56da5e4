"""All drives of the server: what is counted of them, and who gets a copy of each answer.

It does not know how an answer is made. In `DrivingApp` this process makes it, and with `--workers` another one does.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from server.core.drive_state import DriveState
from server.core.latency import LatencyLog
from server.core.metrics import Metrics
from server.core.observer import AnsweredFrame, Observer
from server.core.session import SentReply
from server.health.model_answers import ModelAnswers
from server.health.refusals import Refusals
from server.health.slowness import Slowness

log = logging.getLogger(__name__)

MAX_SIMULATORS = 64
"""The access control refuses connections beyond this."""

State = TypeVar("State", bound=DriveState)
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Drives(ABC, Generic[State]):
    """The drives of one server. observers: get a copy of each answer.

    `sessions`: the connected simulators by Socket.IO session id. `latency`, `slowness`, `metrics`,
    `refusals`: what to report. `answers`: of the model that drives; the owner replaces it when another takes over.
    `draining`: whether the present simulators are the last ones. `stopping`: whether the cars are being stopped for the
    end. `paused`: whether every car is kept standing.
    `own_simulator`: whether the server has started a simulator itself.
    `departed`: called with the number of a simulator that has left.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self._observers_lock = threading.Lock()
        self._counting_faults: Counter[str] = Counter()
        self.sessions: dict[str, State] = {}
        self.latency = LatencyLog()
        self.slowness = Slowness()
        self.refusals = Refusals()
        self.answers = ModelAnswers("the model")
        self.metrics = Metrics()
        self.metrics.watch("drive_simulators", "Connected simulators", lambda: len(self.sessions))
        self.metrics.watch("drive_refused", "Attempts of refused simulators so far", lambda: self.refusals.total)
        self.draining = False
        self.stopping = False
        self.paused = False
        self.own_simulator = False
        self.departed: Callable[[int], None] = lambda number: None

    def start(self) -> None:
        """Be ready to answer; called once, before the port opens. Raises ValueError with one line."""

    @abstractmethod
    def full(self) -> bool:
        """Whether the server has as many simulators as it takes."""

    def worker_states(self) -> dict[int, str]:
        """What each worker is, by its number from 1: `ready`, `starting` or `silent`; empty without workers."""
        return {}

    @abstractmethod
    def socket_app(self, pages: WsgiApp) -> WsgiApp:
        """The WSGI application of the port. pages: answers all that is not for Socket.IO."""

    @abstractmethod
    def pause(self, paused: bool) -> None:
        """Brake every car and keep it standing, or let the model drive again."""

    @abstractmethod
    def stop_cars(self) -> None:
        """Brake every car that the model drives to a standstill, for some seconds; then release the throttle."""

    def add_observer(self, observer: Observer) -> None:
        """Give it a copy of every answer from now on. Any thread may call this: a new tuple replaces the old one."""
        with self._observers_lock:
            self._observers = (*self._observers, observer)

    def remove_observer(self, observer: Observer) -> None:
        """Give it no further answers. Any thread may call this."""
        with self._observers_lock:
            self._observers = tuple(other for other in self._observers if other is not observer)

    def note_telemetries(self, count: int) -> None:
        """Count telemetries that have arrived."""
        self._count(lambda: self.metrics.count_telemetries(count))

    def note_sent(self, session: State, sent: SentReply, answers: ModelAnswers) -> None:
        """Count a reply that was sent to a simulator, and tell the observers. answers: of the model that made it."""
        number, reply = session.number, sent.reply
        self.latency.add(sent.latency_ms)
        self.slowness.add(sent.latency_ms)
        self._count(lambda: self.metrics.count_answers(reply, sent.count, sent.latency_ms, sent.sending_ms))
        self._count(lambda: answers.note(number, reply))
        self._notify(number, sent)

    def note_departure(self, session: State) -> None:
        """Tell the owner that a simulator has left."""
        self.departed(session.number)

    def _count(self, count: Callable[[], None]) -> None:
        """Update a metric. An error there is logged once for its kind and costs no answer."""
        try:
            count()
        except Exception as error:  # the edge: a metric may not disturb the drive
            kind = type(error).__name__
            self._counting_faults[kind] += 1
            if self._counting_faults[kind] == 1:
                log.exception("counting an answer failed; driving goes on")

    def _notify(self, number: int, sent: SentReply) -> None:
        reply = sent.reply
        if reply.telemetry is None or reply.control is None:
            return
        answer = AnsweredFrame(number, reply.telemetry, reply.control, sent.time_s, sent.latency_ms, reply.fresh)
        for observer in self._observers:
            try:
                observer.answered(answer)
            except Exception:  # the edge: an observer may not disturb the drive
                log.exception("%s failed and gets no further answers", type(observer).__name__)
                self.remove_observer(observer)
