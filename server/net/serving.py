"""The port, and the loop around it: take it early, listen late, look around now and then, stop when asked."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import eventlet
import eventlet.wsgi

from server.core.app import DrivingApp
from server.health.console_status import ConsoleStatus
from server.health.refusals import Refusals
from server.net.door import Door, connection_limit
from server.net.green import sleep, use_threads
from server.web.access import HANG_UP, AccessControl

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
HTTP_TIMEOUT_S = 20.0
"""A client that neither asks nor reads for so long is let go; a websocket then has Engine.IO's own limits."""

BACKLOG = 1024
"""Connections that wait to be taken in; where more come, the system lets them wait for a second or three."""

END_LIMIT_S = 40.0
"""Longer than each part of the end may take by itself."""


def bind(host: str, port: int) -> socket.socket:
    """Take the port without listening yet, so that a taken one is known before a model loads. Raises OSError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name != "nt":  # there it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot listen on {host}:{port} ({reason}); is another server running? Try --port") from None
    return listener


def listen(listener: socket.socket) -> str:
    """Accept connections from now on; the server's address, as a URL. Raises OSError."""
    listener.listen(BACKLOG)
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Protocol(eventlet.wsgi.HttpProtocol):
    """eventlet's end of one connection; its listening socket is a Door."""

    def __init__(self, state: list[Any], server: Any) -> None:
        try:
            super().__init__(state, server)
        finally:
            server.socket.left(state[0])

    def get_environ(self) -> dict[str, Any]:
        """With a way to have this connection closed after the answer."""
        environ: dict[str, Any] = super().get_environ()
        environ[HANG_UP] = self._hang_up
        return environ

    def log_message(self, format: str, *values: Any) -> None:
        """What is no HTTP, told as the rest of the log is."""
        log.debug("a client that speaks no HTTP: %s", format % values)

    def _hang_up(self) -> None:
        self.close_connection = True

    def finish(self) -> None:
        """eventlet's keeps a client's descriptor until the collector comes, if that left before its answer."""
        try:
            super().finish()
        finally:
            self.rfile.close()


def answer_requests(wsgi: AccessControl, listener: socket.socket, refusals: Refusals) -> None:
    """Answer what comes in, a green thread for each connection; returns only when it is killed."""
    limit = connection_limit()
    eventlet.wsgi.server(
        Door(listener, limit // 2, refusals.note, wsgi.unwelcome),
        wsgi,
        protocol=Protocol,
        log_output=False,
        debug=False,
        max_size=limit,
        socket_timeout=HTTP_TIMEOUT_S,
    )


@contextlib.contextmanager
def limited_end(limit_s: float = END_LIMIT_S) -> Iterator[None]:
    """Within it files are closed; whatever hangs there, the process ends after `limit_s`, with exit code 1."""

    def give_up() -> None:
        log.critical("the end has taken %g s: a disk or a model does not answer, and files may be incomplete", limit_s)
        os._exit(1)

    timer = threading.Timer(limit_s, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class NotListening(RuntimeError):
    """Nobody accepts connections any more."""


def serve(
    app: DrivingApp, wsgi: AccessControl, listener: socket.socket, finished: Callable[[], bool], at_once: int
) -> bool:
    """Serve `wsgi`, of which `app` is a part, until Ctrl-C or SIGTERM (returns True) or until `finished` (False).

    Then the cars are brought to a stop. A second Ctrl-C ends the process at once. at_once: how many simulators' frames
    may be looked at together. Raises NotListening, the cars stopped, when accepting has ended for another reason.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130) if stop.is_set() else stop.set())
    use_threads(at_once)
    accepting = eventlet.spawn(answer_requests, wsgi, listener, app.refusals)
    console_status = ConsoleStatus()
    while not stop.is_set() and not finished() and not accepting.dead:
        console_status.look(app.sessions, app.latency, app.refusals)
        sleep(LOOK_EVERY_S)
    app.stop_cars()
    if accepting.dead:
        try:
            accepting.wait()
        except Exception as error:
            raise NotListening(f"no connection is accepted any more: {error!r}; start the server anew") from error
        raise NotListening("no connection is accepted any more; start the server anew")
    return stop.is_set()
