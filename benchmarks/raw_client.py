"""A bare websocket client: frames masked beforehand, so that a measured round trip is the server's time, not ours."""

from __future__ import annotations

import json
import socket
import struct
from types import TracebackType

import numpy as np

from protocol.wire import encode_telemetry

MASK = b"\x5a\xc3\x17\x9e"
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def packet(text: str) -> bytes:
    """A text message as the masked websocket frame of a client."""
    data = text.encode()
    length = len(data)
    if length < 126:
        head = struct.pack("!BB", 0x81, 0x80 | length)
    elif length < 65536:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x81, 0x80 | 127, length)
    padded = np.frombuffer(data + bytes(-length % 4), "<u4") ^ np.frombuffer(MASK, "<u4")
    return head + MASK + padded.tobytes()[:length]


def telemetry_packet(jpeg: bytes, speed_mph: float = 15.0) -> bytes:
    """What a stock simulator sends for this camera frame."""
    payload = encode_telemetry(jpeg, 0.0, 0.2, speed_mph)
    return packet("42" + json.dumps(["telemetry", payload], separators=(",", ":")))


class RawClient:
    """One connection. connect: say CONNECT (`40`), as a stock server wants and the simulator never does.

    source: the address to come from, where this computer has several (Linux: all of 127.0.0.0/8).
    """

    def __init__(
        self, port: int, connect: bool = False, host: str = "127.0.0.1", timeout_s: float = 30.0, source: str = ""
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout_s, (source, 0) if source else None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        try:
            self._shake_hands(connect, host, port)
        except BaseException:
            self._socket.close()
            raise

    def _shake_hands(self, connect: bool, host: str, port: int) -> None:
        self._socket.sendall(HANDSHAKE.format(host=host, port=port).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"no websocket there: {head[:80]!r}")
        self.receive_until(b"0")
        if connect:
            self.send(packet("40"))
            self.receive_until(b"40")

    def send(self, frame: bytes) -> None:
        """Send a finished websocket frame."""
        self._socket.sendall(frame)

    def receive_until(self, start: bytes) -> bytes:
        """The next message that begins with `start`; a server's ping on the way is answered."""
        while not (message := self.receive()).startswith(start):
            if message == b"2":
                self.send(packet("3"))
        return message

    def receive(self) -> bytes:
        """The next message. Raises ConnectionError when the server has closed, TimeoutError when it is silent."""
        while True:
            opcode, payload = self._frame()
            if opcode == 8:
                raise ConnectionError(f"the server closed the connection: {payload!r}")
            if opcode in (1, 2):
                return payload

    def _frame(self) -> tuple[int, bytes]:
        opcode, length = self._take(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return opcode & 15, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _fill(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data

    def close(self) -> None:
        """End the connection, as a simulator that is closed does: without a word."""
        self._socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
