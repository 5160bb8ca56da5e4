"""A compiled network: one program for each size of a batch, and buffers for what goes to the GPU.

A compiler takes seconds for a program, which must not happen in a drive. The first size is ready before anybody asks;
the others are prepared in the background, and meanwhile a batch is cut to the largest size that is ready.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)

Answers = npt.NDArray[np.float32]
Finish = Callable[[], Answers]
"""Waits for a program's answers (size, outputs)."""

Program = Callable[..., Finish]
"""Starts one size's program on a buffer (size, rows, columns, 3) and, if the network takes them, measurements."""

SIZES = (1, 2, 4, 8, 16, 32, 64)
"""A batch is filled up to one of these sizes."""

IN_FLIGHT = 2
"""Batches at once on a GPU: one is copied there while another computes."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """How a library makes programs. build: size -> its program, compiled and run once; view: the rows and columns of a
    frame that it takes; shape: of one such view, (rows, columns, 3), or of a stack of them; new_buffer: shape -> uint8
    zeros, from where the library copies fastest.
    """

    build: Callable[[int], Program]
    view: tuple[slice, slice]
    shape: tuple[int, ...]
    new_buffer: Callable[[tuple[int, ...]], npt.NDArray[np.uint8]] = lambda shape: np.zeros(shape, np.uint8)


class CompiledNetwork:
    """compiler: of the network; the constructor compiles the program of one frame. Thread-safe."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._programs = {1: compiler.build(1)}
        self._buffers: dict[int, deque[npt.NDArray[np.uint8]]] = {size: deque() for size in SIZES}
        self._preparing: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def largest(self) -> int:
        """The largest size that is ready."""
        return max(self._programs)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what a program takes of each frame."""
        return self._compiler.shape

    def program(self, size: int) -> Program:
        """The program of one of SIZES that is ready."""
        return self._programs[size]

    def prepare(self, largest: int = SIZES[-1]) -> threading.Thread:
        """Start once to compile the other sizes up to `largest` and return the thread that does it."""
        if self._preparing is None:
            sizes = [size for size in SIZES[1:] if size <= largest]
            self._preparing = threading.Thread(target=self._build, args=(sizes,), name="compiling", daemon=True)
            weakref.finalize(self, _stop, self._closed, self._preparing)
            self._preparing.start()
        return self._preparing

    def _build(self, sizes: Sequence[int]) -> None:
        for size in sizes:
            if self._closed.is_set():
                return
            try:
                self._programs = {**self._programs, size: self._compiler.build(size)}
            except Exception:  # the edge: whatever a compiler raises, the smaller sizes go on answering
                log.exception("no program for batches of %d; smaller ones answer", size)
                return

    def start(self, frames: Sequence[Any], *measurements: Any) -> Finish:
        """Start to answer at most `largest` frames, each uint8 (160, 320, 3) or a stack of them; measurements (n, 3).

        The frames are copied before this returns. Returns what waits for the answers, float32 (n, outputs).
        """
        count = len(frames)
        programs = self._programs
        size = min(size for size in programs if size >= count)
        try:
            buffer = self._buffers[size].pop()
        except IndexError:
            buffer = self._compiler.new_buffer((size, *self._compiler.shape))
        rows, columns = self._compiler.view
        for place, frame in enumerate(frames):
            buffer[place] = frame[..., rows, columns, :]
        padding = ((0, size - count), (0, 0))
        finish = programs[size](buffer, *(np.pad(value, padding) for value in measurements))

        def answers() -> Answers:
            result = finish()[:count]
            self._buffers[size].append(buffer)  # only now: the library may read it until the answer is there
            return result

        return answers

    def run(self, frames: Any, *measurements: Any) -> Answers:
        """Answer any number of frames (n, 160, 320, 3), several batches at once -> float32 (n, outputs)."""
        step = self.largest
        flying: deque[Finish] = deque()
        answers: list[Answers] = []
        for first in range(0, len(frames), step):
            if len(flying) == IN_FLIGHT:
                answers.append(flying.popleft()())
            part = slice(first, first + step)
            flying.append(self.start(frames[part], *(value[part] for value in measurements)))
        answers += [finish() for finish in flying]
        return answers[0] if len(answers) == 1 else np.concatenate(answers)


def _stop(closed: threading.Event, preparing: threading.Thread) -> None:
    """Compile no further size, and wait for the present one: a process must not end in the middle of a compiler."""
    closed.set()
    if preparing is not threading.current_thread():
        preparing.join()
