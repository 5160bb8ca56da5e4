"""Messages between two processes of this server, over a local socket; a message may bring one open file along.

Systems without Unix sockets have no such channel. Both ends belong to this server, so messages are pickles.
"""

from __future__ import annotations

import array
import contextlib
import os
import pickle
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from eventlet.hubs import notify_close, notify_opened, trampoline

from server.net.green import sleep, spawn

HEAD = struct.Struct("!I?")
"""Bytes of the pickle that follows, and whether a file comes along."""

RECEIVE_BYTES = 262_144
MAX_FILES = 16
"""Files that one read takes; further ones come with the next."""

FLUSH_S = 0.02
END_S = 5.0
"""The end of a process waits this long for the other end to take what waits."""


class Channel:
    """One end of a channel. connection: a Unix stream socket, which belongs to the channel from now on.

    `waiting`: bytes that the other end has not taken yet.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            connection.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BYTES)
        self._socket = connection
        self._lock = threading.Lock()
        self._unsent: deque[tuple[memoryview, int | None]] = deque()
        self._received_files: deque[int] = deque()
        self.waiting = 0
        self.closed = False
        spawn(self._send_later)

    def send(self, message: object, file: int | None = None) -> None:
        """Send a message now, or as soon as the other end takes it. Never blocks; any thread may call this.

        file: a descriptor, which is closed once it is sent. Where the other end is gone, nothing happens.
        """
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        data = memoryview(HEAD.pack(len(content), file is not None) + content)
        with self._lock:
            if self.closed:
                _close(file)
                return
            self._unsent.append((data, file))
            self.waiting += len(data)
            self._send()

    def messages(self) -> Iterator[tuple[Any, int | None]]:
        """Each message and the file that came along, until the other end is gone; only this green thread waits."""
        data = bytearray()
        while True:
            while len(data) >= HEAD.size:
                length, has_file = HEAD.unpack_from(data)
                end = HEAD.size + length
                if len(data) < end:
                    break
                content = bytes(data[HEAD.size : end])
                del data[:end]
                yield pickle.loads(content), self._received_files.popleft() if has_file else None
            sleep(0)  # a busy sender may not keep the other green threads from running
            received = self._receive()
            if not received:
                self.close()
                return
            data += received

    def flush(self) -> None:
        """Wait until the other end has taken all, for at most END_S."""
        end_s = time.monotonic() + END_S
        while self.waiting and time.monotonic() < end_s:
            sleep(FLUSH_S)

    def close(self) -> None:
        """End the channel; what waits is lost."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            notify_close(self._socket.fileno())  # whoever waits for it waits no longer
            for _, file in self._unsent:
                _close(file)
            self._unsent.clear()
            self.waiting = 0
            while self._received_files:
                _close(self._received_files.popleft())
            self._socket.close()

    def _receive(self) -> bytes:
        """The next bytes; none when the other end is gone. The files among them join the received ones."""
        while not self.closed:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(
                    RECEIVE_BYTES, socket.CMSG_SPACE(MAX_FILES * array.array("i").itemsize)
                )
            except BlockingIOError:
                with contextlib.suppress(OSError):  # it has been closed
                    trampoline(self._socket.fileno(), read=True)
                continue
            except OSError:
                return b""
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    files = array.array("i")
                    files.frombytes(content[: len(content) - len(content) % files.itemsize])
                    for file in files:
                        notify_opened(file)
                    self._received_files.extend(files)
            return data
        return b""

    def _send(self) -> None:
        """Send what the system takes now. The lock is held."""
        while self._unsent:
            data, file = self._unsent[0]
            rights = [] if file is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))]
            try:
                sent = self._socket.sendmsg([data], rights)
            except BlockingIOError:
                return
            except OSError:  # the other end is gone, which the reader finds out
                sent = len(data)
            _close(file)
            self.waiting -= sent
            if sent < len(data):
                self._unsent[0] = (data[sent:], None)
            else:
                self._unsent.popleft()

    def _send_later(self) -> None:
        """Send what waits whenever the other end takes it; threads cannot wake a green thread, so this looks often."""
        while not self.closed:
            if self.waiting:
                with contextlib.suppress(OSError):
                    trampoline(self._socket.fileno(), write=True)
                with self._lock:
                    if not self.closed:
                        self._send()
            else:
                sleep(FLUSH_S)


def _close(file: int | None) -> None:
    if file is not None:
        os.close(file)
