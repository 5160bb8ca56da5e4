"""A websocket for eventlet that reads and unmasks camera frames fast and acknowledges each fragment at once.

eventlet's own reader unmasks byte by byte in Python (3 ms for a camera frame), reads the socket four times a frame, and
limits single fragments but not their sum. This class keeps eventlet's handshake, sending and closing, and replaces the
reading by RFC 6455, section 5. Invalid UTF-8 costs only its message, not the connection.

The simulator's client sends a message in fragments of 1,016 bytes with Nagle's algorithm on. After the first fragment
its system waits for an acknowledgement. The receiving system delays acknowledgements by 40 ms (Linux) to 200 ms
(Windows), so that it can send them with other data. So this class has the received bytes acknowledged before it waits
for the rest of a message.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import Any

import numpy as np
from eventlet.websocket import ConnectionClosedError, FailedConnectionError, RFC6455WebSocket, WebSocketWSGI

log = logging.getLogger(__name__)

RECEIVE_BYTES = 65536
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = OPCODES = (0x0, 0x1, 0x2, 0x8, 0x9, 0xA)
LENGTH_BYTES = {126: 2, 127: 8}
"""How many bytes of length follow the second byte of a frame, where that byte cannot hold the length itself."""

QUICK_ACKNOWLEDGEMENT: int | None = getattr(socket, "TCP_QUICKACK", None)
"""Linux's socket option that sends a delayed acknowledgement now; None on other systems."""


def unmask(data: bytes, mask: bytes) -> bytes:
    """XOR `data` with the repeated 4 bytes of `mask`, four bytes at a time."""
    surplus = -len(data) % 4
    blocks = np.frombuffer(data + bytes(surplus) if surplus else data, np.uint32)
    unmasked = (blocks ^ np.frombuffer(mask, np.uint32)[0]).tobytes()
    return unmasked[:-surplus] if surplus else unmasked


class DebugLines:
    """A file whose lines go to the log at level DEBUG; eventlet writes there what is no concern of the user."""

    def write(self, line: str) -> None:
        """Log the line."""
        log.debug("%s", line.strip())


class FrameWebSocket(RFC6455WebSocket):
    """The server's side of one connection; `wait` returns complete messages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log = DebugLines()
        self._buffer = b""
        self._position = 0  # in the buffer: where the next frame starts
        self._within_message = False

    def wait(self) -> str | bytes | None:
        """The next message: str for text, bytes for binary; None when the connection has ended."""
        try:
            return self._next_message()
        except FailedConnectionError as error:
            self.close(close_data=(error.status, error.message))
        except ConnectionClosedError:
            pass
        return None

    def _next_message(self) -> str | bytes:
        parts: list[bytes] = []
        kind, size = CONTINUATION, 0
        while True:
            self._within_message = bool(parts)
            final, opcode, payload = self._next_frame(self.max_frame_length - size)
            if opcode & 8:
                self._handle_control_frame(opcode, payload)
                continue
            if (opcode == CONTINUATION) != bool(parts):
                raise FailedConnectionError(1002, "fragments out of order")
            kind = opcode or kind
            parts.append(payload)
            size += len(payload)
            if final:
                whole = b"".join(parts) if len(parts) > 1 else payload
                return whole.decode("utf-8", "replace") if kind == TEXT else whole

    def _next_frame(self, room: int) -> tuple[bool, int, bytes]:
        """One frame, unmasked: whether it is a message's last, its opcode and payload."""
        self._fill(2)
        first, second = self._buffer[self._position], self._buffer[self._position + 1]
        self._within_message = True
        final, opcode, length = bool(first & 0x80), first & 0x0F, second & 0x7F
        if first & 0x70 or opcode not in OPCODES:
            raise FailedConnectionError(1002, "unknown frame")
        if not second & 0x80:
            raise FailedConnectionError(1002, "a client must mask its frames")
        if opcode & 8 and (not final or length > 125):
            raise FailedConnectionError(1002, "control frame too long or in fragments")
        mask_at = 2 + LENGTH_BYTES.get(length, 0)
        if mask_at > 2:
            self._fill(mask_at)
            length = int.from_bytes(self._buffer[self._position + 2 : self._position + mask_at], "big")
        if length > room:
            raise FailedConnectionError(1009, f"message of {length} bytes or more is over the limit")
        self._fill(mask_at + 4 + length)
        start = self._position + mask_at + 4
        self._position = start + length
        return final, opcode, unmask(self._buffer[start : self._position], self._buffer[start - 4 : start])

    def more_waits(self) -> bool:
        """Whether bytes of a further message have already arrived."""
        if self._position < len(self._buffer):
            return True
        try:
            return bool(self.socket.fd.recv(1, socket.MSG_PEEK))
        except OSError:  # no bytes: the socket beneath eventlet's never blocks
            return False

    def _fill(self, count: int) -> None:
        """Have `count` bytes in the buffer from its position on. Raises ConnectionClosedError at the stream's end."""
        missing = count - (len(self._buffer) - self._position)
        if missing <= 0:
            return
        chunks = [self._buffer[self._position :]]
        while missing > 0:
            chunk = self._receive()
            if not chunk:
                raise ConnectionClosedError
            chunks.append(chunk)
            missing -= len(chunk)
        self._buffer, self._position = b"".join(chunks), 0

    def _receive(self) -> bytes:
        """The bytes that have arrived, or the next ones; before it waits, it acknowledges the bytes it has read."""
        try:
            return bytes(self.socket.fd.recv(RECEIVE_BYTES))  # the socket beneath eventlet's never blocks
        except BlockingIOError:
            self._acknowledge()
            return bytes(self.socket.recv(RECEIVE_BYTES))

    def _acknowledge(self) -> None:
        """Make the system acknowledge the received bytes now.

        Systems without the option send the acknowledgement with the next data. In the middle of a message that is an
        unsolicited pong, which needs no answer (RFC 6455, section 5.5.3).
        """
        if QUICK_ACKNOWLEDGEMENT is not None:
            with contextlib.suppress(OSError):  # it is closing; the next read finds that out
                self.socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACKNOWLEDGEMENT, 1)
        elif self._within_message and not self._sendlock.locked():  # data that is being sent carries it already
            with contextlib.suppress(OSError):
                self.send(b"", control_code=PONG)


class FrameWebSocketWSGI(WebSocketWSGI):
    """Upgrades a request for python-engineio: eventlet's handshake, then FrameWebSocket.

    It refuses compression: JPEG does not shrink, and on loopback compression only costs time.
    """

    websocket = FrameWebSocket

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, max_frame_length=int(server.max_http_buffer_size))
        self.support_legacy_versions = False
        self._engineio_socket = handler.__self__  # gets its websocket, so that SimulatorServer can send directly
        self._sock: Any = None  # engineio sets the idle time limit on this

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self._sock = environ["eventlet.input"].get_socket()
        return super().__call__(environ, start_response)

    def _negotiate_permessage_deflate(self, extensions: Any) -> None:
        return None

    def _handle_hybi_request(self, environ: dict[str, Any]) -> FrameWebSocket:
        plain = super()._handle_hybi_request(environ)
        websocket = self.websocket(
            plain.socket,
            environ,
            plain.version,
            protocol=plain.protocol,
            max_frame_length=plain.max_frame_length,
        )
        self._engineio_socket.websocket = websocket
        return websocket
