"""Lets the workers use the network of the first process, where it is there once for all: on a GPU.

The frames of all workers' simulators then form batches, as those of one process do. A lane serves one frame at a time:
it has a place in shared memory for the frame, and a socket on which one thread of a worker waits for one thread of the
first process. Any engine can be behind a lane.
"""

from __future__ import annotations

import logging
import mmap
import os
import queue
import socket
import struct
import sys
import tempfile
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.engine import Engine
from protocol.messages import FRAME_SHAPE

log = logging.getLogger(__name__)

Frames = npt.NDArray[np.uint8]
Answers = npt.NDArray[np.float32]

BATCH_SHAPE = (1, *FRAME_SHAPE)
FRAME_BYTES = int(np.prod(FRAME_SHAPE))
QUESTION = b"?"
HEAD = struct.Struct("!?H")
"""Whether the network has answered, and the bytes of its answer or of the error's text, which follow."""

MAX_TEXT_BYTES = 1000


class LaneError(RuntimeError):
    """The network of the first process has failed on a frame, or that process is gone."""


def is_shared(engine: Engine) -> bool:
    """Whether all workers use this engine of the first process, rather than each its own.

    A GPU's memory and programs are needed once, and its batches pay with many frames. LiteRT and ONNX Runtime run on
    the worker's own core. A lane takes single frames without measurements.
    """
    alone = engine.stack is not None or engine.measures
    return not alone and (engine.together is not None or engine.name not in ("litert", "onnx"))


@dataclass(frozen=True, slots=True)
class LaneFiles:
    """The worker's ends of some lanes, as descriptors that its process inherits."""

    memory: int
    sockets: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """Every descriptor."""
        return (self.memory, *self.sockets)

    def close(self) -> None:
        """Close them in this process."""
        for descriptor in self.all:
            os.close(descriptor)


class LaneHost:
    """The first process's ends. `engine`: the latest shared one, which answers; None before there is one."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def open_lanes(self, count: int) -> LaneFiles:
        """Open so many lanes, each with a thread that serves it until the worker's end is closed."""
        memory = _shared_memory(count * FRAME_BYTES)
        frames = _frames_in(memory, count)
        sockets = []
        for place in range(count):
            ours, theirs = socket.socketpair()
            threading.Thread(target=self._serve, args=(ours, frames[place]), name="lane", daemon=True).start()
            sockets.append(theirs.detach())
        return LaneFiles(memory, tuple(sockets))

    def _serve(self, connection: socket.socket, frames: Frames) -> None:
        with connection:
            try:
                while connection.recv(1):
                    connection.sendall(self._reply(frames))
            except OSError as error:
                log.debug("a worker left while the network answered it: %s", error)

    def _reply(self, frames: Frames) -> bytes:
        try:
            if self.engine is None:
                raise LaneError("there is no shared network")
            answer = self.engine.run(frames).astype(np.float32).tobytes()
        except Exception as error:  # the edge: whatever it is, it costs this frame alone
            text = f"{type(error).__name__}: {error}".encode()[:MAX_TEXT_BYTES]
            return HEAD.pack(False, len(text)) + text
        return HEAD.pack(True, len(answer)) + answer


class Lanes:
    """A worker's ends. files: belong to them from now on."""

    def __init__(self, files: LaneFiles) -> None:
        frames = _frames_in(files.memory, len(files.sockets))
        os.close(files.memory)
        self._idle: queue.SimpleQueue[tuple[Frames, socket.socket]] = queue.SimpleQueue()
        for place, descriptor in enumerate(files.sockets):
            self._idle.put((frames[place], socket.socket(fileno=descriptor)))

    def run(self, frames: Frames) -> Answers:
        """One frame, uint8 (1, 160, 320, 3) -> float32 (1, outputs). Thread-safe. Raises LaneError."""
        lane = self._idle.get()
        try:
            return _ask(*lane, frames)
        except OSError as error:
            raise LaneError(f"the first process does not answer: {error}") from error
        finally:
            self._idle.put(lane)

    def close(self) -> None:
        """Close those that are idle."""
        while not self._idle.empty():
            self._idle.get()[1].close()


def _ask(place: Frames, connection: socket.socket, frames: Frames) -> Answers:
    place[:] = frames
    connection.sendall(QUESTION)
    success, length = HEAD.unpack(_receive(connection, HEAD.size))
    content = _receive(connection, length)
    if not success:
        raise LaneError(content.decode(errors="replace"))
    return np.frombuffer(content, np.float32).reshape(1, -1)


def _receive(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        received = connection.recv(count - len(content))
        if not received:
            raise ConnectionError("it is gone")
        content += received
    return content


def _shared_memory(size: int) -> int:
    """The descriptor of memory that several processes can map; its pages exist once they are written."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("frames")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def _frames_in(memory: int, count: int) -> Frames:
    """The frames of each lane, (count, 1, 160, 320, 3), in the memory."""
    return np.frombuffer(mmap.mmap(memory, count * FRAME_BYTES), np.uint8).reshape(count, *BATCH_SHAPE)
