"""The stock simulator's end of the websocket, packet by packet: Engine.IO announced as 4 and spoken as 3.

Its client is an old Socket.IO library for Unity with habits that servers must live with: no CONNECT, pings of its own,
messages in fragments of 1,016 bytes under Nagle's algorithm, `open` raised twice, silence after a reply that it cannot
read, and a new attempt some milliseconds after each close.
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import urlsplit

import websocket

from protocol.errors import ProtocolError
from protocol.framing import fragments
from protocol.messages import Control
from protocol.wire import decode_control, encode_telemetry

RECONNECT_S = 0.005
"""How long the simulator waits between two attempts to connect."""

CONNECT_TIMEOUT_S = 5.0
PING_INTERVAL_S = 25.0
"""Until the handshake names another."""

OPEN, CLOSE, PING, PONG, EVENT = "0", "1", "2", "3", "42"


class ServerGone(ConnectionError):
    """No server could be reached for as long as we were told to try."""


class Kind(Enum):
    """What came from the server. Each but CLOSED calls for one telemetry, save that OPENED may be held to one."""

    OPENED = auto()
    STEER = auto()
    MANUAL = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that came, and when by `time.perf_counter`. control: of a STEER."""

    kind: Kind
    received_s: float = field(default_factory=time.perf_counter)
    control: Control | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What the simulator reports. jpeg: centre camera, 320 x 160; extras: what improved builds add, e.g. `cte`."""

    jpeg: bytes
    steering_angle_deg: float
    throttle: float
    speed_mph: float
    extras: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """A simulator's socket to the server at `url` (http:// or ws://, a host and a port).

    decimal_comma: speak and read numbers as a computer with a decimal comma does. patience_s: how long to try to
    connect before ServerGone is raised. `faults` counts the replies that could not be read, by kind.
    """

    def __init__(self, url: str, decimal_comma: bool = False, patience_s: float = 10.0) -> None:
        self.url = socket_url(url)
        self.decimal_comma = decimal_comma
        self.faults: Counter[str] = Counter()
        self.connects = 0
        self._patience_s = patience_s
        self._socket: websocket.WebSocket | None = None
        self._ping_interval_s = PING_INTERVAL_S
        self._next_ping_s = 0.0

    def receive(self, timeout_s: float) -> Event | None:
        """The next event; None after `timeout_s` without one. Connects where there is no connection.

        Raises ServerGone.
        """
        if self._socket is None:
            return self._connect()
        end_s = time.perf_counter() + timeout_s
        while True:
            try:
                self._ping_when_due()
                text = self._read(end_s)
                if text is None:
                    if time.perf_counter() >= end_s:
                        return None
                    continue
                event = self._event(text)
            except (websocket.WebSocketException, OSError):
                return self._closed()
            if event is not None:
                return event

    def send(self, observation: Observation) -> None:
        """Report what the car sees. A connection that has just broken shows at the next `receive`."""
        payload = encode_telemetry(
            observation.jpeg,
            observation.steering_angle_deg,
            observation.throttle,
            observation.speed_mph,
            self.decimal_comma,
        )
        extras = observation.extras
        if self.decimal_comma:
            extras = {name: text.replace(".", ",") for name, text in extras.items()}
        self._emit({**payload, **extras})

    def send_manual(self) -> None:
        """Report that a person is driving: the source's empty JSONObject is printed as null."""
        self._emit(None)

    def close(self) -> None:
        """End the connection as a simulator that is shut does: the socket goes, without a word."""
        if self._socket is not None:
            self._socket.shutdown()
            self._socket = None

    def _emit(self, payload: Mapping[str, str] | None) -> None:
        if self._socket is None:
            return
        message = EVENT + json.dumps(["telemetry", payload], separators=(",", ":"))
        try:
            for opcode, final, part in fragments(message.encode()):
                self._socket.send_frame(websocket.ABNF.create_frame(part, opcode, int(final)))
        except (websocket.WebSocketException, OSError):
            self._socket.shutdown()  # its end is read, and reported, by `receive`

    def _connect(self) -> Event:
        end_s = time.perf_counter() + self._patience_s
        while True:
            try:
                self._socket = websocket.create_connection(
                    self.url,
                    timeout=CONNECT_TIMEOUT_S,
                    sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 0),),  # the library would set it
                    enable_multithread=False,
                )
                break
            except (websocket.WebSocketException, OSError) as error:
                if time.perf_counter() > end_s:
                    raise ServerGone(
                        f"no server at {self.url} ({error}); start it, or give its address with --url"
                    ) from None
                time.sleep(RECONNECT_S)
        self.connects += 1
        self._ping_interval_s = PING_INTERVAL_S
        self._next_ping_s = time.perf_counter()
        return Event(Kind.OPENED)

    def _closed(self) -> Event:
        self.close()
        time.sleep(RECONNECT_S)
        return Event(Kind.CLOSED)

    def _ping_when_due(self) -> None:
        if self._socket is not None and time.perf_counter() >= self._next_ping_s:
            self._next_ping_s = time.perf_counter() + self._ping_interval_s
            self._socket.send(PING)

    def _read(self, end_s: float) -> str | None:
        """One text message, or None when it is time to ping or to give up."""
        if self._socket is None or not self._socket.connected:
            raise websocket.WebSocketConnectionClosedException("closed")
        until_s = min(end_s, self._next_ping_s) - time.perf_counter()
        self._socket.settimeout(max(1e-4, until_s))
        try:
            opcode, data = self._socket.recv_data()
        except (websocket.WebSocketTimeoutException, BlockingIOError):
            return None
        finally:
            if self._socket.connected:
                self._socket.settimeout(CONNECT_TIMEOUT_S)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise websocket.WebSocketConnectionClosedException("closed by the server")
        return data.decode("utf-8", "replace") if opcode == websocket.ABNF.OPCODE_TEXT else ""

    def _event(self, text: str) -> Event | None:
        received_s = time.perf_counter()
        if text.startswith(EVENT):
            return self._socket_io_event(text[2:], received_s)
        if text.startswith(OPEN):
            self._ping_interval_s = _ping_interval_s(text[1:])
            self._next_ping_s = min(self._next_ping_s, received_s + self._ping_interval_s)
            return Event(Kind.OPENED, received_s)
        if text.startswith(PING) and self._socket is not None:
            self._socket.send(PONG + text[1:])
        elif text.startswith(CLOSE):
            raise websocket.WebSocketConnectionClosedException("closed by the server")
        return None

    def _socket_io_event(self, text: str, received_s: float) -> Event | None:
        """As the C# client: an event of one or two items; what it cannot read raises there, and is swallowed."""
        try:
            name, data = _name_and_data(text)
            if name == "steer":
                return Event(Kind.STEER, received_s, decode_control(self._in_our_locale(data)))
        except ProtocolError as error:
            self.faults[error.kind] += 1
            return None
        return Event(Kind.MANUAL, received_s) if name == "manual" else None

    def _in_our_locale(self, data: object) -> object:
        """What this computer reads there: the other locale's decimal mark groups thousands, and is skipped."""
        if not isinstance(data, dict):
            return data
        skipped = "." if self.decimal_comma else ","
        return {k: v.replace(skipped, "").replace(",", ".") if isinstance(v, str) else v for k, v in data.items()}


def socket_url(url: str) -> str:
    """`http://host:port`, `ws://host:port` or `host:port` -> the address that every published build opens.

    A query (`?token=...`, for a server that asks simulators for one) is kept.
    """
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        port = 4567 if parts.port is None else parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("", "http", "ws") or not parts.hostname or not port:
        raise ValueError(f"expected an address like http://127.0.0.1:4567, got {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    query = f"&{parts.query}" if parts.query else ""
    return f"ws://{host}:{port}/socket.io/?EIO=4&transport=websocket{query}"


def _name_and_data(text: str) -> tuple[str, object]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("json", f"not JSON: {text[:60]!r}") from None
    if not isinstance(items, list) or not 1 <= len(items) <= 2 or not isinstance(items[0], str):
        raise ProtocolError("event", f"expected an event of one or two items, got {text[:60]!r}")
    if len(items) == 2 and not isinstance(items[1], dict):
        raise ProtocolError("payload", f"expected an object, got {text[:60]!r}")
    return items[0], items[1] if len(items) == 2 else None


def _ping_interval_s(handshake: str) -> float:
    try:
        interval_ms = json.loads(handshake).get("pingInterval")
    except (ValueError, AttributeError, RecursionError):
        return PING_INTERVAL_S
    good = isinstance(interval_ms, (int, float)) and 100 <= interval_ms <= 3_600_000
    return interval_ms / 1000 if good else PING_INTERVAL_S
