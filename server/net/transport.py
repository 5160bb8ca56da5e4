"""What current python-socketio needs to serve a simulator that speaks the protocol of 2016.

The stock simulator announces Engine.IO 4 and then speaks 3: it never sends CONNECT, pings on its own, and expects
pongs. A stock server drops its telemetry and the car stands still. Here its first event stands for the CONNECT, its
pings are answered, and what is no packet at all is dropped instead of ending the connection. Modern clients are served
on the same port by the same code.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

import socketio
from engineio.packet import MESSAGE
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, DISCONNECT, EVENT, Packet

from server.net.green import sleep
from server.net.websocket import FrameWebSocket, FrameWebSocketWSGI

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 2_000_000
"""A stock telemetry is 15 to 25 kB; a larger message ends its connection, which the simulator then reopens."""

PACKET_TYPES = "0123456"
YIELD_EVERY = 16
"""Messages after which a client that never pauses lets the others have their turn."""

MAX_WAITING_PACKETS = 256
"""Behind a client that reads nothing; one that drives has a few. More ends its connection, which it may open again."""

RESERVED_EVENTS = ("connect", "disconnect")
"""Events that the server raises itself; from a client they would end or repeat a session's bookkeeping."""

PING, PONG, UPGRADE_PROBE = "2", "3", "2probe"
BINARY_TYPES = (str(BINARY_EVENT), str(BINARY_ACK))

LIBRARY_LOGS = tuple(logging.getLogger(name) for name in ("socketio.server", "engineio.server"))
"""Given to the libraries, which would else add handlers of their own, so that their errors came twice."""


class UnreadablePacket(ValueError):
    """What came is no Socket.IO packet that a client may send; says why."""


class ReadPacket(Packet):
    """A Socket.IO packet whose reading raises UnreadablePacket and nothing else.

    So a fault in what is done with it is never taken for one of the packet's.
    """

    def decode(self, encoded_packet: str | bytes) -> int:
        """Take over what was received; the number of attachments to come."""
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
        """Take the next attachment; whether it was the last."""
        try:
            return bool(super().add_attachment(attachment))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise UnreadablePacket(str(error)) from error

    def _check_event(self) -> None:
        name = self.data[0] if isinstance(self.data, list) and self.data else None
        if not isinstance(name, str) or name in RESERVED_EVENTS:
            raise UnreadablePacket(f"a client cannot send the event {name!r}")


class SimulatorWebSocket(FrameWebSocket):
    """A connection whose `wait` gives only Engine.IO packets, having answered the client's own pings."""

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
    """The upgrade that makes SimulatorWebSockets."""

    websocket = SimulatorWebSocket


class SimulatorServer(socketio.Server):
    """A Socket.IO server on eventlet that also accepts clients which never say CONNECT.

    unreadable(sid): called for a telemetry event whose JSON is broken, so that even that gets its answer.
    """

    def __init__(self, unreadable: Callable[[str], None]) -> None:
        for library_log in LIBRARY_LOGS:
            library_log.setLevel(logging.ERROR)
        super().__init__(
            async_mode="eventlet",
            async_handlers=False,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            http_compression=False,
            cors_allowed_origins=[],  # the gate has looked at the origin
            serializer=ReadPacket,
            logger=LIBRARY_LOGS[0],
            engineio_logger=LIBRARY_LOGS[1],
        )
        self.eio._async = {**self.eio._async, "websocket": SimulatorWebSocketWSGI}
        self._unreadable = unreadable

    def send_event(self, sid: str, event: str, payload: str) -> None:
        """Send one event to one client, at once: what `emit` does, less its queue and the wait for a second greenlet.

        payload: JSON, sent as it is. Falls back on the queue for clients without a websocket, and behind packets that
        already stand in it.
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
        """End the connection of a client that does not read; its reader then finds the end and tidies up."""
        engineio_socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        websocket = getattr(engineio_socket, "websocket", None)
        if websocket is not None:
            with contextlib.suppress(OSError):  # it is going already
                websocket.socket.shutdown(socket.SHUT_RDWR)
        elif engineio_socket is not None:
            engineio_socket.close(wait=False, abort=True)

    def more_waits(self, sid: str) -> bool:
        """Whether a further message of this client has already arrived, so that an answer now might be overtaken."""
        engineio_socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        websocket = getattr(engineio_socket, "websocket", None)
        return websocket is None or websocket.more_waits()

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        if isinstance(data, str):
            self._give_up_attachments(eio_sid)  # text where an attachment was due
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
        """Drop an event whose attachments do not come as announced; a telemetry is answered all the same."""
        packet = self._binary_packet.pop(eio_sid, None)
        if packet is not None and packet.packet_type == BINARY_EVENT and packet.data[0] == "telemetry":
            self._unreadable(self._connected(eio_sid))

    def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        if namespace in (None, "/"):
            self._connected(eio_sid)
        super()._handle_event(eio_sid, namespace, id, data)

    def _connected(self, eio_sid: str) -> str:
        """The session of this connection; the first event of a client that never said CONNECT opens it."""
        if not self.manager.sid_from_eio_sid(eio_sid, "/"):
            self._handle_connect(eio_sid, "/", None)
        sid: str = self.manager.sid_from_eio_sid(eio_sid, "/")
        return sid
