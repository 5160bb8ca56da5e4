"""The port of the page: its files and its socket, served on threads beside the drive."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.sync.server import serve

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


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(host: str, listener: socket.socket, token: str | None) -> str:
    """What the user opens. An address that means all of this computer's becomes the one in its network."""
    port = listener.getsockname()[1]
    name = _network_address() if host in ("0.0.0.0", "::", "") else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/{f'?token={token}' if token else ''}"


def _network_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documents; a datagram socket sends nothing yet
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _silent_logger() -> logging.Logger:
    """The library logs a traceback for each connection that breaks off; nobody needs them."""
    logger = logging.getLogger("simulator.by_hand.pages")
    logger.setLevel(logging.CRITICAL)
    return logger
