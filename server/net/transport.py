"""Lets current python-socketio serve a simulator that speaks the protocol of 2016.

The stock simulator announces Engine.IO 4 and then speaks version 3: it never sends CONNECT, sends pings of its own, and
expects pongs. A stock server drops its telemetry, and the car stands still. This server takes the first event as the
CONNECT, answers the pings, and drops a message that is no packet instead of closing the connection. The same code
serves modern clients on the same port.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

import socketio
from engineio.packet import MESSAGE
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, DISCONNECT, EVENT, Packet

from server.net.green import sleep
from server.net.websocket import FrameWebSocket, FrameWebSocketWSGI

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 2_000_000
"""A stock telemetry has 15 to 25 kB. A larger message ends its connection, which the simulator then reopens."""

PACKET_TYPES = "0123456"
YIELD_EVERY = 16
"""A client that never pauses yields to the others after this many messages."""

MAX_WAITING_PACKETS = 256
"""Packets queued for a client that does not read; a car that drives has a few. The server disconnects one with more."""

RESERVED_EVENTS = ("connect", "disconnect")
"""Only the server raises these events; from a client they would end a session or open it twice."""

PING, PONG, UPGRADE_PROBE = "2", "3", "2probe"
BINARY_TYPES = (str(BINARY_EVENT), str(BINARY_ACK))

LIBRARY_LOGS = tuple(logging.getLogger(name) for name in ("socketio.server", "engineio.server"))
"""The libraries get these loggers. Otherwise they add handlers of their own and log each error twice."""


class UnreadablePacket(ValueError):
    """The message is no Socket.IO packet that a client may send; says why."""


class ReadPacket(Packet):
    """A Socket.IO packet whose decoding raises only UnreadablePacket.

    So the server never mistakes an error in its own handlers for an error in the packet.
    """

    def decode(self, encoded_packet: str | bytes) -> int:
        """Read the packet and return the number of attachments that will follow."""
        try:
            attachments = super().decode(encoded_packet)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise UnreadablePacket(str(error)) from error
        if self.packet_type not in (CONNECT, DISCONNECT, EVENT, ACK, BINARY_EVENT, BINARY_ACK):
            raise UnreadablePacket(f"a client cannot send a packet of type {self.packet_type!r}")
        if self.packet_type in (EVENT, BINARY_EVENT):
            self._check_event()
        return int(attachments or 0)

    def add_attachment(self, attachment: str | bytes) -> bool:
        """Take the next attachment; returns whether it was the last."""
        try:
            return bool(super().add_attachment(attachment))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise UnreadablePacket(str(error)) from error

    def _check_event(self) -> None:
        name = self.data[0] if isinstance(self.data, list) and self.data else None
        if not isinstance(name, str) or name in RESERVED_EVENTS:
            raise UnreadablePacket(f"a client cannot send the event {name!r}")


class SimulatorWebSocket(FrameWebSocket):
    """A connection that answers the client's own pings; `wait` returns only Engine.IO packets."""

    _messages = 0

    def wait(self) -> str | bytes | None:
        """The next packet: str, or bytes of a binary attachment; None when the connection has ended."""
        while True:
            message = super().wait()
            self._messages += 1
            if self._messages % YIELD_EVERY == 0:
                sleep(0)
            if message is None or isinstance(message, bytes):
                return message
            if message[:1] == PING and message != UPGRADE_PROBE:
                self.send(PONG + message[1:])
            elif message[:1] and message[0] in PACKET_TYPES:
                return message
            else:
                log.debug("dropped a message that is no Engine.IO packet: %.40r", message)


class SimulatorWebSocketWSGI(FrameWebSocketWSGI):
    """The websocket upgrade that makes a SimulatorWebSocket."""

    websocket = SimulatorWebSocket


class SimulatorServer(socketio.Server):
    """A Socket.IO server on eventlet that also accepts clients that never send CONNECT.

    unreadable(sid): called for a telemetry event whose JSON is broken, so that it gets its answer too.
    `ended`: called with the environ of the first request of each Engine.IO session that has ended.
    """

    def __init__(self, unreadable: Callable[[str], None]) -> None:
        for library_log in LIBRARY_LOGS:
            library_log.setLevel(logging.ERROR)
        super().__init__(
            async_mode="eventlet",
            async_handlers=False,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            http_compression=False,
            cors_allowed_origins=[],  # the access control has checked the origin
            serializer=ReadPacket,
            logger=LIBRARY_LOGS[0],
            engineio_logger=LIBRARY_LOGS[1],
        )
        self.eio._async = {**self.eio._async, "websocket": SimulatorWebSocketWSGI}
        self._unreadable = unreadable
        self.ended: Callable[[dict[str, Any]], None] = lambda environ: None

    def begin_ids(self, prefix: str) -> None:
        """Begin the id of every further Engine.IO session with this text."""
        new_id = self.eio.generate_id
        self.eio.generate_id = lambda: f"{prefix}{new_id()}"

    def knows(self, environ: dict[str, Any]) -> bool:
        """Whether this was the first request of a present Engine.IO session."""
        return any(environ is first for first in self.environ.values())

    def wsgi_app(self, pages: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """A WSGI application that gives `pages` all requests that are not for Socket.IO."""
        app: Callable[..., Iterable[bytes]] = socketio.WSGIApp(self, pages)
        return app

    def send_event(self, sid: str, event: str, payload: str) -> None:
        """Send one event to one client at once, without the queue and the second greenlet of `emit`.

        payload: JSON, sent as it is. A client without a websocket, or with packets in its queue, gets it through the
        queue.
        """
        eio_sid = self.manager.eio_sid_from_sid(sid, "/")
        engineio_socket = self.eio.sockets.get(eio_sid)
        if engineio_socket is None:
            log.debug("a simulator left before its answer")
            return
        if engineio_socket.queue.qsize() > MAX_WAITING_PACKETS:
            self.cut_off(sid)
            return
        websocket = getattr(engineio_socket, "websocket", None)
        message = f'{EVENT}["{event}",{payload}]'
        if websocket is None or not engineio_socket.upgraded or not engineio_socket.queue.empty():
            self.eio.send(eio_sid, message)
            return
        try:
            websocket.send(f"{MESSAGE}{message}")
        except OSError as error:
            log.debug("a simulator left before its answer: %s", error)

    def cut_off(self, sid: str) -> None:
        """Close the connection of a client that does not read; the greenlet that reads from it then cleans up."""
        engineio_socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        websocket = getattr(engineio_socket, "websocket", None)
        if websocket is not None:
            with contextlib.suppress(OSError):  # it is closing already
                websocket.socket.shutdown(socket.SHUT_RDWR)
        elif engineio_socket is not None:
            engineio_socket.close(wait=False, abort=True)

    def more_waits(self, sid: str) -> bool:
        """Whether a further message of this client has already arrived; it may hold a newer view."""
        engineio_socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        websocket = getattr(engineio_socket, "websocket", None)
        return websocket is None or websocket.more_waits()

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        environ = self.environ.get(eio_sid)
        super()._handle_eio_disconnect(eio_sid, reason)
        if environ is not None:
            self.ended(environ)

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        if isinstance(data, str):
            self._give_up_attachments(eio_sid)  # text has arrived in place of an attachment
            if data[:1] in BINARY_TYPES:
                self._connected(eio_sid)
        try:
            super()._handle_eio_message(eio_sid, data)
        except UnreadablePacket as error:
            log.debug("dropped a Socket.IO packet that cannot be read (%s): %.60r", error, data)
            self._give_up_attachments(eio_sid)
            if isinstance(data, str) and data.startswith('2["telemetry"'):
                self._unreadable(self._connected(eio_sid))

    def _give_up_attachments(self, eio_sid: str) -> None:
        """Drop an event whose attachments do not arrive as announced; a telemetry still gets its answer."""
        packet = self._binary_packet.pop(eio_sid, None)
        if packet is not None and packet.packet_type == BINARY_EVENT and packet.data[0] == "telemetry":
            self._unreadable(self._connected(eio_sid))

    def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        if namespace in (None, "/"):
            self._connected(eio_sid)
        super()._handle_event(eio_sid, namespace, id, data)

    def _connected(self, eio_sid: str) -> str:
        """This connection's Socket.IO session id. The first event of a client that sent no CONNECT opens a session."""
        if not self.manager.sid_from_eio_sid(eio_sid, "/"):
            self._handle_connect(eio_sid, "/", None)
        sid: str = self.manager.sid_from_eio_sid(eio_sid, "/")
        return sid
