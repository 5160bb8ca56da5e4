"""The door: takes in connections one by one, not too many from one address, and survives what accepting may raise.

eventlet stops accepting for good at the first error that it does not know, such as a client that left before it was
taken in, or descriptors that have run out for a moment.
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
"""Sockets at a time, simulators and pages together; further ones wait."""

CLOSED = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)
"""What a listening socket raises that is no longer one; any other error passes."""

PAUSE_S = 0.1
HEAD_BYTES = 1024


def connection_limit() -> int:
    """At most half of the descriptors that the system grants, so that files can always be opened."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource  # noqa: PLC0415  # POSIX only

    return min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


class Door:
    """A listening socket for eventlet's WSGI server that lets one address have at most `each` connections.

    refused: is told the address and the reason of each connection that is closed for that. unwelcome: whether a
    request that begins so would be refused anyway and may be closed unheard; in a flood that spares the time of an
    answer.
    """

    def __init__(
        self,
        listener: socket.socket,
        each: int,
        refused: Callable[[str, str], None] = lambda address, reason: None,
        unwelcome: Callable[[bytes], bool] = lambda head: False,
    ) -> None:
        self._listener = GreenSocket(listener)
        self._each = each
        self._refused = refused
        self._unwelcome = unwelcome
        self._inside: Counter[str] = Counter()
        self._said: set[int | None] = set()

    def __getattr__(self, name: str) -> Any:
        """All else is the socket's."""
        return getattr(self._listener, name)

    def accept(self) -> tuple[GreenSocket, tuple[Any, ...]]:
        """The next connection that may come in, and its address. Raises OSError when the socket was closed."""
        while True:
            sleep(0)  # what came in last has its turn before the next
            try:
                connection, address = self._listener.accept()
            except OSError as error:
                self._bear(error)
                continue
            host = str(address[0])
            if self._unwelcome(_head(connection)):
                connection.close()
            elif self._inside[host] >= self._each:
                connection.close()
                self._refused(host, f"it has {self._each} connections already, as many as one address may have")
            else:
                self._inside[host] += 1
                return connection, address

    def left(self, address: tuple[Any, ...]) -> None:
        """A connection from this address has ended."""
        host = str(address[0])
        self._inside[host] -= 1
        if self._inside[host] <= 0:
            del self._inside[host]

    def _bear(self, error: OSError) -> None:
        if error.errno in CLOSED:
            raise error
        if error.errno not in self._said:
            self._said.add(error.errno)
            log.warning("a connection could not be accepted (%s); the next ones are", error)
        sleep(PAUSE_S)


def _head(connection: GreenSocket) -> bytes:
    """What has already come of its request, left there to be read."""
    try:
        return bytes(connection.fd.recv(HEAD_BYTES, socket.MSG_PEEK))  # the socket under eventlet's never blocks
    except OSError:
        return b""
