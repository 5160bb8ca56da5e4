"""Frames of several simulators answered as one batch: on a GPU, to which a batch costs little more than a frame.

Nobody waits for a batch to fill: the frames that come while one is answered are the next one. `--batch-ms` adds a wait
for still more company, but only after a batch that had company: a simulator alone does not wait.
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
Steering = npt.NDArray[np.float32]

SIZES = (1, 2, 4, 8)
"""Batches are filled up to one of these: compilers make a program for each size, which must not happen in a drive."""


@dataclass(slots=True)
class Waiting:
    """A frame (1, 160, 320, 3) in the queue; then its answer (1,), or what went wrong."""

    frame: Frames
    answer: Steering | None = None
    error: Exception | None = None

    @property
    def answered(self) -> bool:
        """Whether its batch is done."""
        return self.answer is not None or self.error is not None


class Batches:
    """run: uint8 (n, 160, 320, 3) -> float32 (n,); it is called once for each of SIZES here. delay_s: see above."""

    def __init__(self, run: Callable[[Frames], Steering], delay_s: float = 0.0) -> None:
        self._run, self._delay_s = run, delay_s
        self._waiting: deque[Waiting] = deque()
        self._turn = threading.Lock()
        self._company = False
        for size in SIZES:
            run(np.zeros((size, *FRAME_SHAPE), np.uint8))

    def predict(self, frame: Frames) -> Steering:
        """One frame (1, 160, 320, 3) -> its answer (1,). For any thread. Raises what `run` raised for its batch."""
        mine = Waiting(frame)
        self._waiting.append(mine)
        with self._turn:
            while not mine.answered:
                self._answer_next()
        if mine.answer is None:
            assert mine.error is not None
            raise mine.error
        return mine.answer

    def _answer_next(self) -> None:
        """The oldest frames that wait, as many as fit."""
        if self._delay_s and self._company:
            time.sleep(self._delay_s)
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), SIZES[-1]))]
        size = next(size for size in SIZES if size >= len(batch))
        padding = np.zeros((size - len(batch), *FRAME_SHAPE), np.uint8)
        self._company = len(batch) > 1
        try:
            answers = self._run(np.concatenate([*(each.frame for each in batch), padding]))
        except Exception as error:  # whatever it is, each of them must hear of it
            for each in batch:
                each.error = error
            return
        for i, each in enumerate(batch):
            each.answer = answers[i : i + 1]
