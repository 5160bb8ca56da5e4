"""A pool of LiteRT interpreters for concurrent requests; an interpreter serves one request at a time.

A lone request uses the multi-threaded interpreter; each concurrent request uses a single-threaded one. A lone frame
thus has the lowest latency, and concurrent frames cost the least processor time: the threads of one interpreter
synchronise after every layer, while single-threaded interpreters never wait for each other.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Interpreters:
    """multi_threaded: the interpreter of a lone request; open_single_threaded: opens another one on demand."""

    def __init__(self, multi_threaded: Any, open_single_threaded: Callable[[], Any]) -> None:
        self._multi_threaded, self._open_single_threaded = multi_threaded, open_single_threaded
        self._idle: list[Any] = []
        self._active = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def acquire(self) -> Iterator[Any]:
        """Lend an interpreter to one request, exclusively. Thread-safe."""
        with self._lock:
            alone = self._active == 0
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
