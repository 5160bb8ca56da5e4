"""The port, and the loop around it: take it early, listen late, look around now and then, stop when asked."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

import eventlet
import eventlet.wsgi
from eventlet import tpool

from server.app import DrivingApp
from server.gate import WsgiApp
from server.narrator import Narrator

LOOK_EVERY_S = 0.2
HTTP_TIMEOUT_S = 20.0
"""A client that neither asks nor reads for so long is let go; a websocket then has Engine.IO's own limits."""

MAX_CONNECTIONS = 512
"""Sockets at a time, simulators and pages together; further ones wait."""

BACKLOG = 128


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
    """eventlet's, which keeps a client's descriptor until the collector comes if that client left before its answer."""

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.rfile.close()


def connection_limit() -> int:
    """At most half of the descriptors that the system grants: eventlet stops accepting for good when none is left."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource  # noqa: PLC0415  # POSIX only

    return min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


def answer_requests(wsgi: WsgiApp, listener: socket.socket) -> None:
    """Answer what comes in, a green thread for each connection; returns only when it is killed."""
    eventlet.wsgi.server(
        eventlet.greenio.GreenSocket(listener),
        wsgi,
        protocol=Protocol,
        log_output=False,
        debug=False,
        max_size=connection_limit(),
        socket_timeout=HTTP_TIMEOUT_S,
    )


def serve(app: DrivingApp, wsgi: WsgiApp, listener: socket.socket, finished: Callable[[], bool], at_once: int) -> bool:
    """Serve `wsgi`, of which `app` is a part, until Ctrl-C or SIGTERM (returns True) or until `finished` (False).

    Then the cars are brought to a stop. A second Ctrl-C ends the process at once. at_once: how many simulators' frames
    may be looked at together.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(130) if stop.is_set() else stop.set())
    tpool.set_num_threads(at_once)
    eventlet.spawn(answer_requests, wsgi, listener)
    narrator = Narrator()
    while not stop.is_set() and not finished():
        narrator.look(app.connections, app.latency)
        eventlet.sleep(LOOK_EVERY_S)
    app.stop_cars()
    return stop.is_set()
