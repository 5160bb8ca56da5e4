"""All workers: starts them, starts another one where one has ended or hangs, and spreads the work."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from server.net.green import sleep, spawn
from server.workers.messages import Begin, Order, Report, Stop
from server.workers.process import WorkerProcess

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""After a worker that has ended before it was ready, the next one starts so much later."""

LOOK_EVERY_S = 0.02
BEAT_S = 1.0
END_S = 10.0
"""Longer than a worker takes to stop its cars and to report all."""

REASONS = ("hung", "signal", "exit")
"""Why a worker was replaced: it answered no heartbeat, a signal ended it, or it ended itself."""


class Crew:
    """All workers. begin: place -> a worker's first order; take: takes reports about simulators; forget: forgets the
    simulators of a worker that has ended, and returns how many there were.

    `restarts`: workers that were replaced, by REASONS.
    """

    def __init__(
        self,
        count: int,
        begin: Callable[[int], Begin],
        take: Callable[[WorkerProcess, Report], None],
        forget: Callable[[WorkerProcess], int],
    ) -> None:
        self._begin = begin
        self._take = take
        self._forget = forget
        self._started = self._stopping = False
        self._failure: str | None = None
        self._count = count
        self.workers: dict[int, WorkerProcess] = {}
        self.restarts: Counter[str] = Counter()

    def start(self) -> None:
        """Start all workers and wait until they take simulators. Raises ValueError with one line."""
        for place in range(self._count):
            self._start(place)
        spawn(self._watch)
        while not all(worker.ready for worker in self.workers.values()):
            sleep(LOOK_EVERY_S)
            if self._failure is not None:
                self._kill()
                raise ValueError(self._failure)
        self._started = True

    def order(self, order: Order) -> None:
        """Give an order to all; any thread may call this."""
        for worker in tuple(self.workers.values()):
            worker.channel.send(order)

    def least_busy(self) -> WorkerProcess | None:
        """The worker with the fewest simulators; None if none is ready."""
        ready = [worker for worker in self.workers.values() if worker.state == "ready"]
        return min(ready, key=lambda worker: (len(worker.numbers), worker.place), default=None)

    def at(self, place: str) -> WorkerProcess | None:
        """The worker at the place that a client names; None where there is none that is ready."""
        worker = self.workers.get(int(place)) if place.isascii() and place.isdigit() and len(place) < 4 else None
        return worker if worker is not None and worker.ready else None

    def numbers(self) -> set[int]:
        """The numbers of all simulators."""
        return set().union(*(worker.numbers for worker in self.workers.values()))

    def stop(self) -> None:
        """Let all stop their cars and end; after END_S, end them."""
        self._stopping = True
        self.order(Stop())
        end_s = time.monotonic() + END_S
        while self.workers:
            sleep(LOOK_EVERY_S)
            if time.monotonic() > end_s:
                log.error("%d workers have not ended for %g s, so they are killed", len(self.workers), END_S)
                self._kill()
                return

    def _kill(self) -> None:
        for worker in self.workers.values():
            worker.kill()

    def _start(self, place: int) -> None:
        worker = self.workers[place] = WorkerProcess(self._begin(place))
        spawn(self._attend, worker)

    def _watch(self) -> None:
        """Send heartbeats to all until the end."""
        while not self._stopping and self._failure is None:
            for worker in self.workers.values():
                worker.beat()
            sleep(BEAT_S)

    def _attend(self, worker: WorkerProcess) -> None:
        """Take a worker's reports until it ends; then start another one."""
        for report, _ in worker.channel.messages():
            try:
                if not worker.take(report):
                    self._take(worker, report)
            except Exception:  # the edge: one report may not cost the others
                log.exception("a report of worker %d could not be taken", worker.place + 1)
        was_ready = worker.ready
        simulators = self._forget(worker)  # before others get their numbers
        code = worker.bury()
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        if not self._started:
            self._failure = worker.reason or f"a worker ended before it was ready ({end})"
        elif not self._stopping:
            self.restarts["hung" if worker.hung else "signal" if code < 0 else "exit"] += 1
            log.error(
                "worker %d has ended (%s); its %d simulators connect to the others, and a new worker starts",
                worker.place + 1, end, simulators,
            )  # fmt: skip
            sleep(0 if was_ready else AGAIN_S)
        while self._started and not self._stopping:
            try:
                self._start(worker.place)
                return
            except OSError as error:  # the system has no more processes, files or memory at the moment
                log.error("worker %d cannot start, which is tried again: %s", worker.place + 1, error)
                sleep(AGAIN_S)
        del self.workers[worker.place]
