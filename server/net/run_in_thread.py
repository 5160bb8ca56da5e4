"""Runs blocking work, such as writing to a disk, on a thread while the event loop goes on answering telemetry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from server.net.green import sleep

Result = TypeVar("Result")
LOOK_EVERY_S = 0.005


class _Work(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="blocking work", daemon=True)
        self._work = work
        self.result: list[Result] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result.append(self._work())
        except BaseException as error:  # run_in_thread raises it again
            self.error = error


def run_in_thread(work: Callable[[], Result]) -> Result:
    """Run `work` on a new thread and return its result or raise its exception; only the calling greenlet waits."""
    thread = _Work(work)
    thread.start()
    while thread.is_alive():
        sleep(LOOK_EVERY_S)
    if thread.error is not None:
        raise thread.error
    return thread.result[0]
