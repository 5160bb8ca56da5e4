"""Runs the frames of several simulators as one batch, for a GPU, where a batch costs little more than one frame.

A batch is not delayed until it is full: the frames that arrive while one batch runs form the next one. `--batch-ms`
delays a batch only if the previous one held several frames, so a lone simulator never waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.messages import FRAME_SHAPE

Frames = npt.NDArray[np.uint8]
Answers = npt.NDArray[np.float32]

SIZES = (1, 2, 4, 8)
"""Batches are padded to one of these sizes; a compiler builds a program for each, which must not happen in a drive."""


@dataclass(slots=True)
class Request:
    """A queued frame (1, 160, 320, 3), and later its answer (1, outputs) or the exception that its batch raised."""

    frame: Frames
    answer: Answers | None = None
    error: Exception | None = None

    @property
    def answered(self) -> bool:
        """Whether its batch has run."""
        return self.answer is not None or self.error is not None


class Batches:
    """run: uint8 (n, 160, 320, 3) -> float32 (n, outputs); the constructor calls it once with each of SIZES.

    delay_s: seconds that a batch waits for further frames, if the previous batch held several.
    """

    def __init__(self, run: Callable[[Frames], Answers], delay_s: float = 0.0) -> None:
        self._run, self._delay_s = run, delay_s
        self._waiting: deque[Request] = deque()
        self._turn = threading.Lock()
        self._last_was_shared = False
        for size in SIZES:
            run(np.zeros((size, *FRAME_SHAPE), np.uint8))

    def predict(self, frame: Frames) -> Answers:
        """One frame (1, 160, 320, 3) -> its answer (1, outputs). Thread-safe. Raises what its batch raised."""
        request = Request(frame)
        self._waiting.append(request)
        with self._turn:
            while not request.answered:
                self._answer_next()
        if request.answer is None:
            assert request.error is not None
            raise request.error
        return request.answer

    def _answer_next(self) -> None:
        """Run the oldest waiting frames, as many as the largest size holds."""
        if self._delay_s and self._last_was_shared:
            time.sleep(self._delay_s)
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), SIZES[-1]))]
        size = next(size for size in SIZES if size >= len(batch))
        padding = np.zeros((size - len(batch), *FRAME_SHAPE), np.uint8)
        self._last_was_shared = len(batch) > 1
        try:
            answers = self._run(np.concatenate([*(request.frame for request in batch), padding]))
        except Exception as error:  # every waiting thread must get the exception, whatever it is
            for request in batch:
                request.error = error
            return
        for i, request in enumerate(batch):
            request.answer = answers[i : i + 1]
