"""Binds the port, listens once the model is loaded, serves requests, and stops on a signal."""

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

from server.core.drives import Drives
from server.health.console_status import ConsoleStatus
from server.health.refusals import Refusals
from server.net.door import Door, connection_limit
from server.net.ending import Ending
from server.net.green import sleep, use_threads
from server.net.handover import HTTP_TIMEOUT_S
from server.web.access import HANG_UP, AccessControl

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
BACKLOG = 1024
"""Connections that may wait for acceptance; the system lets further ones try again after 1 to 3 s."""

END_LIMIT_S = 40.0
"""Longer than the limit of each single step of the end."""


def bind(host: str, port: int) -> socket.socket:
    """Bind the port without listening yet, so that a port in use is an error before the model loads. Raises OSError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name != "nt":  # on Windows it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot listen on {host}:{port} ({reason}); is another server running? Try --port") from None
    return listener


def listen(listener: socket.socket) -> tuple[str, int]:
    """Start to listen and return the address and the port. Raises OSError."""
    listener.listen(BACKLOG)
    host, port = listener.getsockname()[:2]
    return host, port


class Protocol(eventlet.wsgi.HttpProtocol):
    """eventlet's handler of one connection; its listening socket is a Door."""

    def __init__(self, state: list[Any], server: Any) -> None:
        try:
            super().__init__(state, server)
        finally:
            server.socket.left(state[0])

    def get_environ(self) -> dict[str, Any]:
        """The WSGI environment, with a function under HANG_UP that closes this connection after the answer."""
        environ: dict[str, Any] = super().get_environ()
        environ[HANG_UP] = self._hang_up
        return environ

    def log_message(self, format: str, *values: Any) -> None:
        """Log a request that is no HTTP, at level DEBUG."""
        log.debug("a client does not speak HTTP: %s", format % values)

    def _hang_up(self) -> None:
        self.close_connection = True

    def finish(self) -> None:
        """Close the file too: if a client left before its answer, eventlet leaves that to the garbage collector."""
        try:
            super().finish()
        finally:
            self.rfile.close()


def answer_requests(wsgi: AccessControl, listener: socket.socket, refusals: Refusals) -> None:
    """Answer all requests, with a green thread for each connection. Returns only when it is killed."""
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
    """Limit the `with` block, in which files are closed: after `limit_s` the process ends with exit code 1."""

    def give_up() -> None:
        log.critical("stopping has taken %g s: a disk or a model does not answer, and files may be incomplete", limit_s)
        os._exit(1)

    timer = threading.Timer(limit_s, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class NotListening(RuntimeError):
    """The server can accept no more connections."""


def serve(
    app: Drives[Any],
    wsgi: AccessControl,
    listener: socket.socket,
    finished: Callable[[], bool],
    at_once: int,
    drain_s: float,
) -> bool:
    """Serve `wsgi`, of which `app` is a part, until Ctrl-C or SIGTERM (returns True) or until `finished` (False).

    Then it stops the cars. A second Ctrl-C ends the process at once. at_once: threads that answer several simulators.
    drain_s: seconds that simulators may drive on after SIGTERM.
    Raises NotListening, after it has stopped the cars, when accepting has ended for another reason.
    """
    ending = Ending(app, drain_s)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ending.on_signal)
    use_threads(at_once)
    accepting = eventlet.spawn(answer_requests, wsgi, listener, app.refusals)
    console_status = ConsoleStatus()
    while not ending.due and not finished() and not accepting.dead:
        ending.look()
        console_status.look(app.sessions, app.latency, app.slowness, app.refusals, app.answers, app.own_simulator)
        sleep(LOOK_EVERY_S)
    app.stop_cars()
    if accepting.dead:
        try:
            accepting.wait()
        except Exception as error:
            raise NotListening(f"the server accepts no more connections: {error!r}; start it again") from error
        raise NotListening("the server accepts no more connections; start it again")
    return ending.due
