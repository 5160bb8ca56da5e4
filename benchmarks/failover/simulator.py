"""A simulator that connects again at once when it loses its connection, as Udacity's library does."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time

from protocol.pedals import DRAG_PER_S, push_mph_per_s
from protocol.wire import decode_control
from tests.raw_client import RawClient, telemetry_packet

TIMEOUT_S = 10.0


class ReconnectingSimulator:
    """A simulator that drives until `stop` is set. frames: its camera's, in turn.

    `connections`, `refusals`: times that it was let in, and was not. `answered`, `unanswered`: telemetries.
    `longest_s`: between two answers. `slowest_mph`: of the car, once it had the target speed.
    """

    def __init__(self, port: int, source: str, frames: list[bytes], period_s: float, stop: threading.Event) -> None:
        self.connections = self.refusals = self.answered = self.unanswered = 0
        self.longest_s = 0.0
        self.slowest_mph = self._speed_mph = 15.0
        self._port, self._source, self._period_s, self._stop = port, source, period_s, stop
        self._frames = itertools.cycle(frames)
        self._answer_s = time.monotonic()
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until it has stopped."""
        self._thread.join(TIMEOUT_S)

    def _drive(self) -> None:
        while not self._stop.is_set():
            try:
                client = RawClient(self._port, timeout_s=TIMEOUT_S, source=self._source)
            except OSError:
                self.refusals += 1
                continue
            self.connections += 1
            with client, contextlib.suppress(OSError):
                while not self._stop.is_set():
                    self._exchange(client)

    def _exchange(self, client: RawClient) -> None:
        begin_s = time.monotonic()
        self.unanswered += 1
        client.send(telemetry_packet(next(self._frames), self._speed_mph))
        message = client.receive_until(b'42["steer"')
        self.unanswered -= 1
        self.answered += 1
        now_s = time.monotonic()
        self.longest_s = max(self.longest_s, now_s - self._answer_s)
        self._answer_s = now_s
        push = push_mph_per_s(decode_control(json.loads(message[2:])[1]).throttle, self._speed_mph)
        change = (push - DRAG_PER_S * self._speed_mph) * self._period_s
        self._speed_mph = max(0.0, self._speed_mph + change)
        self.slowest_mph = min(self.slowest_mph, self._speed_mph)
        self._stop.wait(self._period_s - (time.monotonic() - begin_s))
