"""Answers the simulators whose connections the first process has handed over, and reports each answer to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from inference.driver import Driver
from server.core.app import DrivingApp
from server.core.observer import without_frame
from server.core.session import SentReply, SimulatorSession
from server.health.model_answers import ModelAnswers
from server.net.handover import answer_request
from server.workers.messages import NUMBER, Answered, Connected, Disconnected, Ended, Free, HandOver, Report

MAX_UNREAD_BYTES = 8_000_000
"""Reports that wait for the first process, about 600 of them; further ones come without their telemetry."""


class WorkerApp(DrivingApp):
    """place: the worker's; report: sends a report; unread_bytes(): of reports that the first process has not read."""

    def __init__(
        self,
        place: int,
        new_driver: Callable[[], Driver],
        report: Callable[[Report], None],
        unread_bytes: Callable[[], int],
    ) -> None:
        super().__init__(new_driver, ())
        self._report = report
        self._unread_bytes = unread_bytes
        self.sio.begin_ids(f"{place}.")
        self.sio.ended = self._free
        self._wsgi = self.sio.wsgi_app(lambda environ, start_response: [])

    def answer(self, order: HandOver, descriptor: int) -> None:
        """Answer a request on the connection that came along, until it is closed."""
        environ = order.request.environ
        if order.number is not None:
            environ[NUMBER] = order.number
        answer_request(self._wsgi, environ, order.request.body, descriptor)
        if not self.sio.knows(environ):
            self._free(environ)
        self._report(Ended(order.key))

    def forget(self, number: int) -> None:
        """Forget the drive of a simulator that has been silent."""
        for session in self.sessions.values():
            if session.number == number:
                session.reset()

    def number_for(self, environ: dict[str, Any]) -> int:
        """The number that the first process has given; reports that this simulator has connected."""
        number: int = environ[NUMBER]
        self._report(Connected(number))
        return number

    def note_telemetries(self, count: int) -> None:
        """Count nothing; the first process counts those that the reports tell of."""

    def note_sent(self, session: SimulatorSession, sent: SentReply, answers: ModelAnswers) -> None:
        """Report an answer that has been sent."""
        telemetry = sent.reply.telemetry
        if telemetry is not None:
            telemetry = without_frame(telemetry) if self._unread_bytes() < MAX_UNREAD_BYTES else None
        sent = replace(sent, reply=replace(sent.reply, payload="", telemetry=telemetry))
        self._report(Answered(session.number, session.manual, session.speed_mph, sent))

    def note_departure(self, session: SimulatorSession) -> None:
        """Report that a simulator has left."""
        self._report(Disconnected(session.number, session.arrived - session.answered))

    def _free(self, environ: dict[str, Any]) -> None:
        """Give back the number of a session that has ended or never began, once. environ: of its first request."""
        number = environ.pop(NUMBER, None)
        if number is not None:
            self._report(Free(number))
