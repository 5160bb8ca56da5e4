"""LiteRT interpreters for callers on several threads: each serves one at a time.

Who asks alone gets the wide one, of all threads; who comes while others are at it gets a narrow one, of one thread. So
a frame alone takes the least time, and many at once take the least of the processor: the threads of one network wait
for each other after every layer, those of several networks never do.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Interpreters:
    """wide: the interpreter of all threads; open_narrow: makes one of one thread, when first one is needed."""

    def __init__(self, wide: Any, open_narrow: Callable[[], Any]) -> None:
        self._wide, self._open_narrow = wide, open_narrow
        self._idle: list[Any] = []
        self._at_work = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[Any]:
        """One that nobody else uses meanwhile. For any thread."""
        with self._lock:
            alone = self._at_work == 0
            self._at_work += 1
            taken = self._wide if alone else self._idle.pop() if self._idle else None
        try:
            if taken is None:
                taken = self._open_narrow()
            yield taken
        finally:
            with self._lock:
                self._at_work -= 1
                if taken is not None and not alone:
                    self._idle.append(taken)
