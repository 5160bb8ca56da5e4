"""A pool of LiteRT interpreters for concurrent requests; an interpreter serves one request at a time.

A lone request uses the multi-threaded interpreter and has the lowest latency. Where requests overlap, each of them and
of the next ones uses a single-threaded interpreter, which costs the least processor time: the threads of one
interpreter synchronise after every layer, while single-threaded interpreters never wait for each other.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

CROWDED_S = 0.1
"""For this long after two requests overlapped, further ones are expected to."""


class Interpreters:
    """multi_threaded: the interpreter of a lone request; open_single_threaded: opens another one on demand."""

    def __init__(self, multi_threaded: Any, open_single_threaded: Callable[[], Any]) -> None:
        self._multi_threaded, self._open_single_threaded = multi_threaded, open_single_threaded
        self._idle: list[Any] = []
        self._active = 0
        self._crowded_until_s = 0.0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def acquire(self) -> Iterator[Any]:
        """Lend an interpreter to one request, exclusively. Thread-safe."""
        with self._lock:
            now_s = time.monotonic()
            if self._active:
                self._crowded_until_s = now_s + CROWDED_S
            alone = now_s >= self._crowded_until_s
            self._active += 1
            interpreter = self._multi_threaded if alone else self._idle.pop() if self._idle else None
        try:
            if interpreter is None:
                interpreter = self._open_single_threaded()
            yield interpreter
        finally:
            with self._lock:
                self._active -= 1
                if interpreter is not None and not alone:
                    self._idle.append(interpreter)
