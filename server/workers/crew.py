"""The first process's end of its workers: starts them, starts another one where one has ended, and spreads the work."""

from __future__ import annotations

import atexit
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from server.net.channel import Channel
from server.net.green import Gate, sleep, spawn
from server.workers.messages import Begin, Ended, Failed, Free, HandOver, LogLine, Order, Ready, Report, Stop

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
AGAIN_S = 2.0
"""After a worker that has ended before it was ready, the next one starts so much later."""

LOOK_EVERY_S = 0.02
END_S = 10.0
"""Longer than a worker takes to stop its cars and to report all."""


class WorkerProcess:
    """One worker. `place`: from 0, for the user from 1; `ready`: whether it takes simulators; `numbers`: of the
    simulators that it has; `connections`: how many it answers at the moment; `reason`: why it could not begin."""

    def __init__(self, begin: Begin) -> None:
        self.place = begin.place
        self.ready = False
        self.numbers: set[int] = set()
        self.reason: str | None = None
        self._gates: dict[int, Gate] = {}
        self._keys = 0
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.workers.worker", str(descriptor)],
                cwd=ROOT,
                pass_fds=(descriptor, *begin.lanes.all),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        begin.lanes.close()
        atexit.register(self._process.kill)
        self.channel = Channel(ours)
        self.channel.send(begin)

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    def answer(self, order: Callable[[int], HandOver], descriptor: int) -> None:
        """Let it answer a request on this connection, and wait until it has closed it. order: key -> the order."""
        self._keys += 1
        key, gate = self._keys, Gate()
        self._gates[key] = gate
        self.channel.send(order(key), descriptor)
        gate.wait()

    def take(self, report: Report) -> bool:
        """Take a report about the worker itself; returns whether it was one."""
        match report:
            case Ready():
                self.ready = True
            case Failed():
                self.reason = report.reason
            case Free():
                self.numbers.discard(report.number)
            case Ended():
                self._gates.pop(report.key).open()
            case LogLine():
                logging.getLogger(report.logger).log(report.level, "%s", report.text)
            case _:
                return False
        return True

    def bury(self) -> str:
        """Release all that waits for the worker, whose channel has ended; returns in words how its process ended."""
        self.ready = False
        self.numbers.clear()
        while self._gates:
            self._gates.popitem()[1].open()
        end_s = time.monotonic() + AGAIN_S
        while self._process.poll() is None:
            if time.monotonic() > end_s:
                self._process.kill()
            sleep(LOOK_EVERY_S)
        atexit.unregister(self._process.kill)
        code = self._process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        """End its process at once."""
        self._process.kill()


class Crew:
    """All workers. begin: place -> a worker's first order; take: takes reports about simulators; forget: forgets the
    simulators of a worker that has ended, and returns how many there were.
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

    def start(self) -> None:
        """Start all workers and wait until they take simulators. Raises ValueError with one line."""
        for place in range(self._count):
            self._start(place)
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
        ready = [worker for worker in self.workers.values() if worker.ready]
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
        end = worker.bury()
        if not self._started:
            self._failure = worker.reason or f"a worker ended before it was ready ({end})"
        elif not self._stopping:
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
