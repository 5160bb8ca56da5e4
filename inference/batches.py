"""Runs the frames of several simulators as one batch, for a GPU, where a batch costs little more than one frame.

A batch is not delayed until it is full: the frames that arrive while others compute form the next one. `--batch-ms`
delays a batch only if the previous one held several frames, so a lone simulator never waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from inference.compiled.network import IN_FLIGHT, CompiledNetwork

Frames = npt.NDArray[np.uint8]
Answers = npt.NDArray[np.float32]


@dataclass(slots=True)
class Request:
    """A frame (1, 160, 320, 3), and later its answer (1, outputs) or the exception that its batch raised.

    batch: the requests, itself among them, that its thread is to run. wake: is released when there is one of the three.
    """

    frame: Frames
    batch: list[Request] | None = None
    answer: Answers | None = None
    error: Exception | None = None
    wake: threading.Lock = field(default_factory=threading.Lock)


class Batches:
    """alone: answers a frame (1, 160, 320, 3) by itself; network: answers several together.

    delay_s: seconds that a batch waits for further frames, if the previous batch held several.
    """

    def __init__(self, alone: Callable[[Frames], Answers], network: CompiledNetwork, delay_s: float = 0.0) -> None:
        self._alone, self._network, self._delay_s = alone, network, delay_s
        self._waiting: deque[Request] = deque()
        self._lock = threading.Lock()
        self._flying = 0
        self._one_is_alone = False
        self._last_was_shared = False
        network.prepare()

    def predict(self, frame: Frames) -> Answers:
        """One frame (1, 160, 320, 3) -> its answer (1, outputs). Thread-safe. Raises what its batch raised."""
        request = Request(frame)
        with self._lock:
            if self._flying < IN_FLIGHT:  # so nobody waits
                self._flying += 1
                request.batch = [request]
            else:
                request.wake.acquire()
                self._waiting.append(request)
        if request.batch is None:
            request.wake.acquire()
        if request.batch is not None:
            self._answer(request.batch)
        if request.error is not None:
            raise request.error
        assert request.answer is not None
        return request.answer

    def _answer(self, batch: list[Request]) -> None:
        """Run a batch, whose first request is this thread's, and give the frames that wait then to one of theirs."""
        if self._delay_s and self._last_was_shared:
            time.sleep(self._delay_s)
        with self._lock:
            batch += self._next(self._network.largest - len(batch))
            self._last_was_shared = len(batch) > 1
            alone = len(batch) == 1 and not self._one_is_alone
            self._one_is_alone |= alone
        try:
            frames = [request.frame[0] for request in batch]
            answers = self._alone(batch[0].frame) if alone else self._network.start(frames)()
            for place, request in enumerate(batch):
                request.answer = answers[place : place + 1]
        except Exception as error:  # every waiting thread must get the exception, whatever it is
            for request in batch:
                request.error = error
        with self._lock:
            self._one_is_alone &= not alone
            following = self._next(self._network.largest)
            if following:
                following[0].batch = following
            else:
                self._flying -= 1
        for request in (*following[:1], *batch[1:]):
            request.wake.release()

    def _next(self, limit: int) -> list[Request]:
        """Take the oldest waiting requests, at most `limit`."""
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
