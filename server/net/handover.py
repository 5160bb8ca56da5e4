"""Hands a connection with a request that has been read to another process, which answers it.

The first process has read the request's head and body, and has checked it. The second one gets both as data, and the
connection itself.
"""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from eventlet.greenio import GreenSocket, shutdown_safe
from eventlet.wsgi import WSGI_LOCAL

log = logging.getLogger(__name__)

HTTP_TIMEOUT_S = 20.0
"""The server closes an HTTP connection that is idle for this long; for websockets, Engine.IO has limits of its own."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request that has been read. environ: the texts of its WSGI environment; body: what came after its head."""

    environ: dict[str, Any]
    body: bytes


def read_request(environ: dict[str, Any]) -> ReadRequest:
    """The request as data; waits for its body, whose length the caller has checked."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return ReadRequest({name: value for name, value in environ.items() if isinstance(value, str)}, body)


def take_connection(environ: dict[str, Any]) -> int:
    """The descriptor of a request's connection, which belongs to the caller from now on.

    eventlet then neither answers on it nor shuts it down. The WSGI application must return an empty list.
    """
    WSGI_LOCAL.already_handled = True
    connection = environ["eventlet.input"].get_socket()
    return int(connection.fd.detach())


class _Body(io.BytesIO):
    """A request's body with its connection, as eventlet's own has it."""

    def __init__(self, body: bytes, connection: GreenSocket) -> None:
        super().__init__(body)
        self._connection = connection

    def get_socket(self) -> GreenSocket:
        return self._connection


def answer_request(
    wsgi: Callable[[dict[str, Any], Any], Iterable[bytes]], environ: dict[str, Any], body: bytes, descriptor: int
) -> None:
    """Let `wsgi` answer a request that another process has read, then close its connection. Never raises."""
    connection = GreenSocket(socket.socket(fileno=descriptor))
    connection.settimeout(HTTP_TIMEOUT_S)
    source = _Body(body, connection)
    environ |= {"wsgi.input": source, "eventlet.input": source, "wsgi.errors": sys.stderr, "wsgi.version": (1, 0)}
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        head[:] = [status, headers]

    try:
        content = b"".join(wsgi(environ, start_response))
        if head:  # otherwise it was a websocket, which has answered for itself
            status, headers = head
            connection.sendall(_written(status, headers, content))
    except OSError as error:
        log.debug("a client left before its answer: %s", error)
    except Exception:  # the edge: a bug costs this connection alone
        log.exception("a request for %s failed", environ.get("PATH_INFO"))
    finally:
        with contextlib.suppress(OSError):
            shutdown_safe(connection)
        connection.close()


def _written(status: str, headers: list[tuple[str, str]], content: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers if name.lower() != "content-length")]
    lines += [f"Content-Length: {len(content)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + content
