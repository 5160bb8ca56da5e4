"""The stock simulator's end of the websocket, packet by packet: it announces Engine.IO 4 and speaks Engine.IO 3.

Its client is an old Socket.IO library for Unity. It sends no CONNECT, pings by itself, and raises `open` twice. It
sends fragments of 1,016 bytes under Nagle's algorithm. It ignores replies that it cannot read, and reconnects some
milliseconds after each close.
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
from protocol.messages import Control
from protocol.wire import decode_control, encode_telemetry
from simulator.client.framing import fragments

RECONNECT_S = 0.005
"""Pause between two attempts to connect."""

REFUSALS = (401, 403)
"""HTTP codes after which trying again is of no use."""

CONNECT_TIMEOUT_S = 5.0
PING_INTERVAL_S = 25.0
"""Interval until the handshake names another."""

OPEN, CLOSE, PING, PONG, EVENT = "0", "1", "2", "3", "42"


class ServerGone(ConnectionError):
    """No server could be reached within the connection's patience."""


class EventKind(Enum):
    """What came from the server. Each kind but CLOSED brings one telemetry; a loop may ignore the second OPENED."""

    OPENED = auto()
    STEER = auto()
    MANUAL = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """One event from the server. received_s: by `time.perf_counter`; control: of a STEER, else None."""

    kind: EventKind
    received_s: float = field(default_factory=time.perf_counter)
    control: Control | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One telemetry's content. jpeg: centre camera, 320 x 160; extras: fields that improved builds add, e.g. `cte`."""

    jpeg: bytes
    steering_angle_deg: float
    throttle: float
    speed_mph: float
    extras: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """A simulator's socket to the server at `url` (http:// or ws://, a host and a port).

    decimal_comma: write and read numbers as a computer with a decimal comma does. patience_s: how long to try to
    connect before raising ServerGone. `faults` counts the replies that could not be read, by kind.
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
        """Wait for the next event; returns None after `timeout_s` without one. Connects first if necessary.

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
        """Send one telemetry. If the connection has just broken, the next `receive` reports it."""
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
        """Report that a person is driving; the simulator's empty JSONObject is printed as null."""
        self._emit(None)

    def close(self) -> None:
        """End the connection as a closed simulator does: shut the socket without a close frame."""
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
            self._socket.shutdown()  # `receive` then reads the end and reports it

    def _connect(self) -> Event:
        end_s = time.perf_counter() + self._patience_s
        while True:
            try:
                self._socket = websocket.create_connection(
                    self.url,
                    timeout=CONNECT_TIMEOUT_S,
                    sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 0),),  # the library would set it to 1
                    enable_multithread=False,
                )
                break
            except (websocket.WebSocketException, OSError) as error:
                if getattr(error, "status_code", None) in REFUSALS:
                    reason = (getattr(error, "resp_body", None) or b"").decode("utf-8", "replace").strip()
                    raise ServerGone(f"the server at {self.url} refuses this simulator: {reason[:300]}") from None
                if time.perf_counter() > end_s:
                    raise ServerGone(
                        f"no server at {self.url} ({error}); start it, or give its address with --url"
                    ) from None
                time.sleep(RECONNECT_S)
        self.connects += 1
        self._ping_interval_s = PING_INTERVAL_S
        self._next_ping_s = time.perf_counter()
        return Event(EventKind.OPENED)

    def _closed(self) -> Event:
        self.close()
        time.sleep(RECONNECT_S)
        return Event(EventKind.CLOSED)

    def _ping_when_due(self) -> None:
        if self._socket is not None and time.perf_counter() >= self._next_ping_s:
            self._next_ping_s = time.perf_counter() + self._ping_interval_s
            self._socket.send(PING)

    def _read(self, end_s: float) -> str | None:
        """Read one text message; returns None when it is time to ping or to give up."""
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
            return Event(EventKind.OPENED, received_s)
        if text.startswith(PING) and self._socket is not None:
            self._socket.send(PONG + text[1:])
        elif text.startswith(CLOSE):
            raise websocket.WebSocketConnectionClosedException("closed by the server")
        return None

    def _socket_io_event(self, text: str, received_s: float) -> Event | None:
        """Read an event of one or two items; count an unreadable one and ignore it, as the C# client does."""
        try:
            name, data = _name_and_data(text)
            if name == "steer":
                return Event(EventKind.STEER, received_s, decode_control(self._in_own_locale(data)))
        except ProtocolError as error:
            self.faults[error.kind] += 1
            return None
        return Event(EventKind.MANUAL, received_s) if name == "manual" else None

    def _in_own_locale(self, data: object) -> object:
        """Read numbers as this locale does: it skips the other decimal mark, which groups thousands here."""
        if not isinstance(data, dict):
            return data
        group_mark = "." if self.decimal_comma else ","
        return {k: v.replace(group_mark, "").replace(",", ".") if isinstance(v, str) else v for k, v in data.items()}


def socket_url(url: str) -> str:
    """`http://host:port`, `ws://host:port` or `host:port` -> the address that every published build opens.

    Keeps a query (`?token=...`, for a server that asks simulators for a token). Raises ValueError.
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
    valid = isinstance(interval_ms, (int, float)) and 100 <= interval_ms <= 3_600_000
    return interval_ms / 1000 if valid else PING_INTERVAL_S
