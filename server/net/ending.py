"""When the server ends: at once by Ctrl-C, or by SIGTERM after the present simulators have left.

Whoever ends a server to replace it, such as Kubernetes, sends SIGTERM. With a time to drain, the server then lets its
simulators drive on and takes no new ones, which connect to another server. A second signal stops the cars at once.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from server.core.drives import Drives

log = logging.getLogger(__name__)


class Ending:
    """How far the end of `app` has come. drain_s: seconds that simulators may drive on after SIGTERM; 0 for none.

    clock: seconds.
    """

    def __init__(self, app: Drives[Any], drain_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._drain_s = drain_s
        self._clock = clock
        self._limit_s = 0.0
        self._terminated = threading.Event()
        self._stop = threading.Event()

    @property
    def due(self) -> bool:
        """Whether the cars stop now."""
        return self._stop.is_set()

    def on_signal(self, number: int, frame: object = None) -> None:
        """Take a signal. The one after the end has come ends the process at once, with code 130."""
        if self._stop.is_set():
            os._exit(130)
        if number == signal.SIGTERM and self._drain_s and not self._terminated.is_set():
            self._terminated.set()
        else:
            self._stop.set()

    def look(self) -> None:
        """Begin to drain after SIGTERM, and end it when no simulator is left or the time is over."""
        if not self._terminated.is_set():
            return
        left = len(self._app.sessions)
        if not self._app.draining:
            self._app.draining = True
            self._limit_s = self._clock() + self._drain_s
            log.info(
                "the server takes no new simulators; %d may drive on for %g s (a second signal stops them at once)",
                left,
                self._drain_s,
            )
        if not left or self._clock() >= self._limit_s:
            self._stop.set()
