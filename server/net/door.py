"""Accepts connections one by one, limits them for each address, and survives the errors that accepting raises.

eventlet itself stops accepting for good at the first error that it does not know. Such an error is a client that left
before its connection was accepted, or a momentary lack of file descriptors.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from eventlet.greenio import GreenSocket

from server.net.green import sleep

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
"""Sockets open at a time, simulators and pages together; further connections wait."""

CLOSED = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)
"""Errors of a listening socket that has been closed; after any other error, accepting goes on."""

PAUSE_S = 0.1
HEAD_BYTES = 1024


def connection_limit() -> int:
    """Connections at a time: at most half of the system's file descriptors, so that files can always be opened."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource  # noqa: PLC0415  # POSIX only

    return min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


class Door:
    """A listening socket for eventlet's WSGI server that limits each address to `limit` connections.

    on_refusal: called with the address and the reason of each connection over the limit.
    unwelcome: whether a request that begins with these bytes would be refused anyway. The door closes it without an
    answer, which saves time in a flood.
    """

    def __init__(
        self,
        listener: socket.socket,
        limit: int,
        on_refusal: Callable[[str, str], None] = lambda address, reason: None,
        unwelcome: Callable[[bytes], bool] = lambda head: False,
    ) -> None:
        self._listener = GreenSocket(listener)
        self._limit = limit
        self._on_refusal = on_refusal
        self._unwelcome = unwelcome
        self._open_connections: Counter[str] = Counter()
        self._logged_errors: set[int | None] = set()

    def __getattr__(self, name: str) -> Any:
        """Any other attribute of the socket."""
        return getattr(self._listener, name)

    def accept(self) -> tuple[GreenSocket, tuple[Any, ...]]:
        """The next admitted connection and its address. Raises OSError when the socket was closed."""
        while True:
            sleep(0)  # let the connection before this one be served first
            try:
                connection, address = self._listener.accept()
            except OSError as error:
                self._survive(error)
                continue
            host = str(address[0])
            if self._unwelcome(_head(connection)):
                connection.close()
            elif self._open_connections[host] >= self._limit:
                connection.close()
                self._on_refusal(host, f"it has {self._limit} connections already, the limit for one address")
            else:
                self._open_connections[host] += 1
                return connection, address

    def left(self, address: tuple[Any, ...]) -> None:
        """Count the end of a connection from this address."""
        host = str(address[0])
        self._open_connections[host] -= 1
        if self._open_connections[host] <= 0:
            del self._open_connections[host]

    def _survive(self, error: OSError) -> None:
        if error.errno in CLOSED:
            raise error
        if error.errno not in self._logged_errors:
            self._logged_errors.add(error.errno)
            log.warning("a connection could not be accepted (%s); accepting goes on", error)
        sleep(PAUSE_S)


def _head(connection: GreenSocket) -> bytes:
    """The part of its request that has already arrived; it stays in the socket."""
    try:
        return bytes(connection.fd.recv(HEAD_BYTES, socket.MSG_PEEK))  # the socket under eventlet's never blocks
    except OSError:
        return b""
