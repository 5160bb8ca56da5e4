"""A pool of processes of this machine does jobs, and survives whatever a job does to its process.

`WorkerPool.run` is all that the leaderboard asks of it: jobs in, outcomes out as they end. Messages are JSON in both
directions, because a process that opened a stranger's file is not trusted. The standard library's executors end
altogether when a process dies, and none of them lets a process go on with the scene that it has already drawn.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, NamedTuple

from training.leaderboard.process import ProcessLimits, work
from training.leaderboard.tasks import one_line

MAX_MESSAGE_BYTES = 64 << 20
POLL_S = 0.5
EXIT_S = 5.0
"""A process that has closed its pipe gets so long to end, so that its exit code tells why."""

PATIENCE = 10
"""So many times its processor time may a job take by the clock: a computer may be busy, and a process may just wait."""

DEATHS = 2
"""A job whose process has died so often has failed; the first time may be another program's fault."""


@dataclass(frozen=True, slots=True)
class Job:
    """key: of the job, for the caller; argument: plain values; title: for the user.

    group: jobs of one group are done by one process, one after another, as far as there are processes for the groups.
    """

    key: str
    argument: dict[str, Any]
    title: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """result: what the function returned; else failure: why it did not, for the user."""

    job: Job
    result: dict[str, Any] | None
    failure: str = ""


class RunningJob(NamedTuple):
    """A job and for how long it has been running."""

    job: Job
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """function: `module:name` of a function of plain values; workers: how many processes.

    limit_s: of processor time for each job, where the system counts it. limits: of each process.

    alone: each job has a fresh process. environment: variables of the processes. report: is told several times a second
    which jobs are running.
    """

    function: str
    workers: int
    limit_s: float
    limits: ProcessLimits
    alone: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    report: Callable[[Sequence[RunningJob]], None] = lambda running: None

    def run(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        """Do all jobs and yield each outcome when it comes. No process outlives the iterator."""
        queue, workers = _Queue(jobs), list[_Worker]()
        try:
            while True:
                self._employ(workers, queue)
                busy = [worker for worker in workers if worker.job]
                if not busy:
                    return
                wait([worker.connection for worker in busy], POLL_S)
                self.report([RunningJob(worker.job, worker.seconds) for worker in busy if worker.job])
                for worker in busy:
                    if outcome := worker.outcome(queue, self.limit_s):
                        yield outcome
                    if worker.ended or (self.alone and not worker.job):
                        worker.end()
                        workers.remove(worker)
        finally:
            for worker in workers:
                worker.end()

    def _employ(self, workers: list[_Worker], queue: _Queue) -> None:
        """Give each idle process a job, and start as many processes as there are jobs for."""
        while len(workers) < self.workers and len(queue) > sum(not worker.job for worker in workers):
            workers.append(_Worker(self))
        for worker in workers:
            if not worker.job and len(queue):
                worker.give(queue.take(worker.group, {other.group for other in workers if other is not worker}))


class _Queue:
    """The jobs that wait, by group, and how often the process of each has died."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._groups: dict[str, list[Job]] = {}
        for job in reversed(jobs):
            self._groups.setdefault(job.group, []).append(job)
        self._deaths: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def take(self, group: str | None, others: set[str | None]) -> Job:
        """The next job of this group; else of the largest group, if possible of one that no other process has."""
        waiting = {name: len(jobs) for name, jobs in self._groups.items() if jobs}
        if group not in waiting:
            group = max(waiting, key=lambda name: (name not in others, waiting[name]))
        return self._groups[group].pop()

    def again(self, job: Job) -> bool:
        """Put a job back whose process died, unless it died too often."""
        self._deaths[job.key] = self._deaths.get(job.key, 0) + 1
        if self._deaths[job.key] >= DEATHS:
            return False
        self._groups[job.group].append(job)
        return True


class _Worker:
    """A process, its end of the pipe, and the job that it does."""

    def __init__(self, pool: WorkerPool) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.job: Job | None = None
        self.group: str | None = None
        self.ended = False
        self._start_s = 0.0
        arguments = (theirs, pool.function, pool.limits, pool.limit_s, pool.environment)
        self._process = context.Process(target=work, args=arguments, daemon=True)
        with _deaf():
            self._process.start()
        theirs.close()

    @property
    def seconds(self) -> float:
        """For how long the job has been running."""
        return time.monotonic() - self._start_s

    def give(self, job: Job) -> None:
        """Begin a job."""
        self.job, self.group, self._start_s = job, job.group, time.monotonic()
        with contextlib.suppress(OSError):  # the process has died: `outcome` tells
            self.connection.send_bytes(json.dumps(job.argument).encode())

    def outcome(self, queue: _Queue, limit_s: float) -> JobOutcome | None:
        """The outcome of the job if it has ended; a job whose process died goes back to the queue first."""
        assert self.job
        job = self.job
        if not self.connection.poll():
            if self.seconds < PATIENCE * limit_s:
                return None
            return self._died(queue, limit_s, f"it took more than {PATIENCE * limit_s:g} s")
        try:
            message = json.loads(self.connection.recv_bytes(MAX_MESSAGE_BYTES))
            result, failure = message["result"], one_line(str(message["failure"]))
        except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError):
            return self._died(queue, limit_s)
        self.job = None
        return JobOutcome(job, result if isinstance(result, dict) else None, failure)

    def _died(self, queue: _Queue, limit_s: float, reason: str = "") -> JobOutcome | None:
        assert self.job
        job, self.job = self.job, None
        if not reason:
            self._process.join(EXIT_S)
            reason = self._exit(limit_s)
        self.end()
        return None if queue.again(job) else JobOutcome(job, None, f"{reason}, {DEATHS} times")

    def _exit(self, limit_s: float) -> str:
        """How the process has ended, for the user."""
        code = self._process.exitcode or 0
        if -code == getattr(signal, "SIGXCPU", 0):
            return f"it took more than {limit_s:g} s of processor time"
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
