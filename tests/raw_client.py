"""A bare websocket client that speaks as the simulator's own: what it sends is cut and masked beforehand, so that a
measured round trip is the server's time, not ours."""

from __future__ import annotations

import json
import socket
import struct
from types import TracebackType

import numpy as np
import numpy.typing as npt

from protocol.wire import encode_telemetry
from simulator.client.framing import FRAGMENT_BYTES, fragments

MASK = b"\x5a\xc3\x17\x9e"
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
WRITE_BYTES = FRAGMENT_BYTES + 8
"""A full fragment with its header: the simulator writes each by itself."""

UNCUT = 1 << 40


def packet(text: str, cut: bool = True) -> bytes:
    """A text message as a client's masked websocket frames. cut: in fragments, as the simulator sends it."""
    pieces = fragments(text.encode(), FRAGMENT_BYTES if cut else UNCUT)
    return b"".join(_frame(opcode | (0x80 if final else 0), payload) for opcode, final, payload in pieces)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", first, 0x80 | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, length)
    padded: npt.NDArray[np.uint32] = np.frombuffer(payload + bytes(-length % 4), "<u4") ^ np.frombuffer(MASK, "<u4")
    return head + MASK + padded.tobytes()[:length]


def telemetry_packet(jpeg: bytes, speed_mph: float = 15.0, cut: bool = True, **extras: str) -> bytes:
    """What a stock simulator sends for this camera frame. extras: the further fields of another build."""
    payload = {**encode_telemetry(jpeg, 0.0, 0.2, speed_mph), **extras}
    return packet("42" + json.dumps(["telemetry", payload], separators=(",", ":")), cut)


class RawClient:
    """One connection, with Nagle's algorithm on and a write for each fragment, as the simulator's.

    connect: say CONNECT (`40`), as a stock server wants and the simulator never does. at_once: write at once and
    without Nagle's algorithm, as other clients do. query: added to the address, e.g. `&token=...`. source: the client's
    own address; Linux lets it be any of 127.0.0.0/8.
    """

    def __init__(
        self,
        port: int,
        connect: bool = False,
        host: str = "127.0.0.1",
        timeout_s: float = 30.0,
        at_once: bool = False,
        query: str = "",
        source: str = "",
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout_s, (source, 0))
        self._at_once = at_once
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(at_once))
        self._buffer = b""
        try:
            self._shake_hands(connect, host, port, query)
        except BaseException:
            self._socket.close()
            raise

    def _shake_hands(self, connect: bool, host: str, port: int, query: str) -> None:
        address = HANDSHAKE.format(host=host, port=port).replace("websocket HTTP", f"websocket{query} HTTP")
        self._socket.sendall(address.encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"no websocket there: {head[:80]!r}")
        self.receive_until(b"0")
        if connect:
            self.send(packet("40"))
            self.receive_until(b"40")

    def send(self, frames: bytes) -> None:
        """Send finished websocket frames."""
        if self._at_once:
            self._socket.sendall(frames)
            return
        for start in range(0, len(frames), WRITE_BYTES):
            self._socket.sendall(frames[start : start + WRITE_BYTES])

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
        content, self._buffer = self._buffer[:count], self._buffer[count:]
        return content

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
