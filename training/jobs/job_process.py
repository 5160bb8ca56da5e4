"""A process that does one job after another, as its owner holds it: its pipe, and how it has ended.

Messages are JSON in both directions, because a process that opened a stranger's file is not trusted.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from training.jobs.one_line import one_line
from training.jobs.process import WorkerSettings, work

MAX_MESSAGE_BYTES = 64 << 20
EXIT_S = 5.0
"""A process that has closed its pipe gets so long to end, so that its exit code tells why."""

PATIENCE = 10
"""So many times its processor time may a job take by the clock: a computer may be busy, and a process may just wait."""


class JobReply(NamedTuple):
    """What a process told of its job. failure: for the user; died: whether the process has ended over it."""

    result: dict[str, Any] | None
    failure: str = ""
    died: bool = False


class JobProcess:
    """A process within limits. Make it in the main thread."""

    def __init__(self, settings: WorkerSettings) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, worker_end = context.Pipe()
        self.ended = False
        self.share = 0.0
        self._settings = settings
        self._start_s = 0.0
        self._process = context.Process(target=work, args=(worker_end, settings), daemon=True)
        with _deaf():
            self._process.start()
        worker_end.close()

    @property
    def seconds(self) -> float:
        """For how long the job has been running."""
        return time.monotonic() - self._start_s

    def give(self, argument: dict[str, Any]) -> None:
        """Begin a job."""
        self._start_s, self.share = time.monotonic(), 0.0
        with contextlib.suppress(OSError):  # the process has died: `reply` tells
            self.connection.send_bytes(json.dumps(argument).encode())

    def reply(self, wait_s: float = 0.0) -> JobReply | None:
        """What came of the job, once it has ended. `share` is how much of it is done, 0 to 1, if the job tells it."""
        limit_s = PATIENCE * self._settings.limit_s
        if not self.connection.poll(wait_s):
            return None if self.seconds < limit_s else self._died(f"it took more than {limit_s:g} s")
        try:
            message = json.loads(self.connection.recv_bytes(MAX_MESSAGE_BYTES))
            if "share" in message:
                self.share = min(1.0, max(0.0, float(message["share"])))
                return None if self.seconds < limit_s else self._died(f"it took more than {limit_s:g} s")
            result, failure = message["result"], one_line(str(message["failure"]))
        except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError):
            self._process.join(EXIT_S)
            return self._died(self._exit())
        return JobReply(result if isinstance(result, dict) else None, failure)

    def _died(self, reason: str) -> JobReply:
        self.end()
        return JobReply(None, reason, died=True)

    def _exit(self) -> str:
        """How the process has ended, for the user."""
        code = self._process.exitcode or 0
        if -code == getattr(signal, "SIGXCPU", 0):
            return f"it took more than {self._settings.limit_s:g} s of processor time"
        cause = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
        return f"its process ended with {cause}"

    def end(self) -> None:
        """Kill the process and all that it has started, and wait for it."""
        if not self.ended:
            self.ended = True
            with contextlib.suppress(OSError, AttributeError):  # it has ended, or the system has no process groups
                os.killpg(self._process.ident, signal.SIGKILL)  # type: ignore[arg-type]  # it was started
            self._process.kill()
            self._process.join()
            self.connection.close()


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let a process that starts in the block ignore Ctrl-C from its first moment on."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
