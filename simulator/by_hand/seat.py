"""The driver's seat: the newest page sits in it, and the one before is told so.

A page is read and written on threads of its own, so that a slow one never holds up the drive. It gets a further picture
only when it has drawn the one before the last: no buffer on the way can then grow and make the pictures old.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from protocol.errors import ProtocolError
from simulator.by_hand.messages import ButtonPress, DriverInput, PageReport, decode_message

PICTURES_UNDER_WAY = 2
STILL_S = 1.0
"""Without a message for this long nobody holds the wheel, so the world stands still."""

MOST_PRESSES = 20
MAX_REASON_BYTES = 120
"""A websocket's close frame holds no more (RFC 6455, section 5.5)."""

ANOTHER_PAGE, BAD_MESSAGE, GONE = 4000, 4001, 4002
"""Codes with which a socket closes. The page reads them."""


class Page:
    """One open page. report: its newest; number: of the last picture that was given to it."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.report = PageReport()
        self._heard_s = float("-inf")
        self._presses: list[str] = []
        self._taps: frozenset[str] = frozenset()
        self.number = 0
        self._last_sent = 0
        self._picture: tuple[int, bytes] | None = None
        self._farewell: tuple[int, str] | None = None
        self._changed = threading.Condition()

    @property
    def awake(self) -> bool:
        """Whether somebody looks at the page and it answers."""
        return self.report.visible and time.monotonic() - self._heard_s < STILL_S

    def presses(self) -> list[str]:
        """The buttons pressed since the last call."""
        with self._changed:
            presses, self._presses = self._presses, []
        return presses

    def take_input(self) -> DriverInput:
        """What the person holds, and every key that was tapped since the last call, however shortly."""
        with self._changed:
            newest = self.report.input
            taps, self._taps = self._taps, frozenset()
        return replace(newest, keys=newest.keys | taps)

    def show(self, picture: bytes) -> None:
        """Send this picture next; it replaces one that still waits. Its head must hold `number`, plus 1 each time."""
        with self._changed:
            self.number += 1
            self._picture = (self.number, picture)
            self._changed.notify_all()

    def dismiss(self, code: int, reason: str) -> None:
        """Close the socket with this reason, soon."""
        with self._changed:
            self._farewell = self._farewell or (code, reason)
            self._changed.notify_all()

    def serve(self) -> None:
        """Read messages until the connection ends."""
        writer = threading.Thread(target=self._write, name="pictures", daemon=True)
        writer.start()
        try:
            for text in self._connection:
                self._take(decode_message(text))
        except ProtocolError as error:
            self.dismiss(BAD_MESSAGE, str(error).encode("ascii", "backslashreplace")[:MAX_REASON_BYTES].decode())
        except ConnectionClosed:
            pass
        self.dismiss(GONE, "")
        writer.join()

    def _take(self, message: PageReport | ButtonPress) -> None:
        with self._changed:
            self._heard_s = time.monotonic()
            if isinstance(message, PageReport):
                self.report = message
                self._taps |= message.input.keys
                self._changed.notify_all()
            elif len(self._presses) < MOST_PRESSES:
                self._presses.append(message.button)

    def _write(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._farewell or (self._picture and self._may_send))
                    if self._farewell:
                        break
                    assert self._picture is not None
                    (self._last_sent, picture), self._picture = self._picture, None
                self._connection.send(picture)
        except ConnectionClosed:
            return
        self._connection.close(*self._farewell)

    @property
    def _may_send(self) -> bool:
        return self._last_sent - self.report.picture < PICTURES_UNDER_WAY


class Seat:
    """Holds the page that drives."""

    def __init__(self) -> None:
        self.page: Page | None = None
        self._lock = threading.Lock()

    def serve(self, connection: ServerConnection) -> None:
        """Let a new page drive until it leaves or another one comes."""
        page = Page(connection)
        with self._lock:
            before, self.page = self.page, page
        if before is not None:
            before.dismiss(ANOTHER_PAGE, "another page drives now")
        page.serve()
        with self._lock:
            if self.page is page:
                self.page = None
