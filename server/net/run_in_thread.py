"""Runs what may block - a disk, above all - on a thread, while the event loop goes on answering telemetry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from server.net.green import sleep

Result = TypeVar("Result")
LOOK_EVERY_S = 0.005


class _Work(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="beside", daemon=True)
        self._work = work
        self.result: list[Result] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result.append(self._work())
        except BaseException as error:  # raised again where it is waited for
            self.error = error


def beside(work: Callable[[], Result]) -> Result:
    """The result of `work`, or what it raised; only the calling greenlet waits."""
    thread = _Work(work)
    thread.start()
    while thread.is_alive():
        sleep(LOOK_EVERY_S)
    if thread.error is not None:
        raise thread.error
    return thread.result[0]
