"""The simulator's end of the socket to a driving server, on a thread of its own, so that no reply holds the drive up.

It speaks as the stock simulator does: one telemetry for each reply. While a person drives, the telemetry says so and
has no image.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from protocol.messages import Control
from simulator.client.connection import Connection, Event, EventKind, Observation, ServerGone, socket_url
from simulator.client.game_loop import SILENCE_S

RETRY_S = 1.0
WAIT_S = 0.5
MANUAL_EVERY_S = 0.25
"""A person's driving is reported this often: enough for the server to know, and no load on it."""


class ModelLink:
    """ready: whether a server is connected and answers; control: its newest command, None before the first.

    url: of the server. page: the address of its own page. Call `close` at the end. Raises ValueError for a bad address.
    """

    def __init__(self, url: str) -> None:
        self.page = f"http://{urlsplit(socket_url(url)).netloc}/"
        self.ready = False
        self.control: Control | None = None
        self._url = url
        self._due = False
        self._manual_s = 0.0
        self._offers: list[Observation | None] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="model link", daemon=True)
        self._thread.start()

    def update(self, observe: Callable[[], Observation] | None) -> None:
        """Give the server its next telemetry if it waits for one. observe: None while a person drives."""
        now_s = time.monotonic()
        if not self._due or (observe is None and now_s - self._manual_s < MANUAL_EVERY_S):
            return
        if observe is None:
            self._manual_s = now_s
        offer = observe() if observe else None
        with self._changed:
            self._due = False
            self._offers = [offer]
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until the server waits for a telemetry, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._due or self._ended, seconds)

    def forget(self) -> None:
        """Forget the newest command, which is older than what the model will see now."""
        self.control = None

    def close(self) -> None:
        """End the thread and the connection."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(2 * WAIT_S)  # it is a daemon: one that still tries to connect does not hold the end up

    def _run(self) -> None:
        while not self._ended:
            connection = Connection(self._url, patience_s=0.0)
            try:
                self._talk(connection)
            except ServerGone:
                pass
            finally:
                self.ready, self._due = False, False
                connection.close()
            with self._changed:
                self._changed.wait_for(lambda: self._ended, RETRY_S)

    def _talk(self, connection: Connection) -> None:
        """Answer each reply with a telemetry until the connection ends. Raises ServerGone."""
        in_flight, heard_s = False, time.monotonic()
        while not self._ended:
            event = connection.receive(WAIT_S)
            if event is None:
                if time.monotonic() - heard_s > SILENCE_S:
                    return
                continue
            heard_s = time.monotonic()
            if event.kind is EventKind.CLOSED:
                return
            if event.kind is EventKind.OPENED and in_flight:
                continue
            self._answer(connection, event)
            in_flight, heard_s = True, time.monotonic()

    def _answer(self, connection: Connection, event: Event) -> None:
        if event.control is not None:
            self.control = event.control
        self.ready = self.ready or event.kind is not EventKind.OPENED
        with self._changed:
            self._due, self._offers = True, []
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._offers or self._ended)
            if self._ended:
                return
            observation = self._offers.pop()
        connection.send_manual() if observation is None else connection.send(observation)
