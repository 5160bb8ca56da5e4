"""The port of the page: its files and its socket, served on threads beside the drive."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.sync.server import serve

from protocol.web.addresses import network_url, own_url
from simulator.by_hand.messages import MAX_MESSAGE_BYTES
from simulator.by_hand.page_files import PageFiles
from simulator.by_hand.seat import Seat

CLOSE_S = 1.0


@contextmanager
def serving(listener: socket.socket, files: PageFiles, seat: Seat) -> Iterator[None]:
    """Answer requests within the `with`."""
    server = serve(
        seat.serve,
        sock=listener,
        process_request=lambda connection, request: files.answer(request),
        compression=None,  # JPEG does not shrink
        max_size=MAX_MESSAGE_BYTES,
        close_timeout=CLOSE_S,
        server_header=None,
        logger=_silent_logger(),
    )
    thread = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(CLOSE_S)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError, which names the address."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot listen on {host}:{port} ({reason}); is another one running? Try --port") from None


def address(host: str, listener: socket.socket, token: str | None) -> str:
    """What the user opens: the address in the network if other devices reach it, too."""
    port = listener.getsockname()[1]
    url = network_url(host, port) or own_url(host, port)
    return f"{url}/{f'?token={token}' if token else ''}"


def _silent_logger() -> logging.Logger:
    """The library logs a traceback for each connection that breaks off; nobody needs them."""
    logger = logging.getLogger("simulator.by_hand.pages")
    logger.setLevel(logging.CRITICAL)
    return logger
