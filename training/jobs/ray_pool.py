"""A pool of processes on all computers of a Ray cluster: its jobs, queue and outcomes are those of `WorkerPool`.

Each core has an actor, which owns a process within limits. Computers may come and go while the jobs are done.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from protocol.command_line import plain
from training.jobs.job_process import JobReply
from training.jobs.jobs import Job, JobOutcome, JobQueue, RunningJob
from training.jobs.process import WorkerSettings
from training.jobs.ray_cluster import ClusterError
from training.jobs.ray_worker import Files, Parcel, RayWorker, parcel_sha256, versions

POLL_S, LOOK_S, CLOSE_S = 0.5, 2.0, 5.0
MOST_LOSSES = 3
"""A computer whose actors ended so often, while it went on itself, gets no more jobs."""


@dataclass(frozen=True, slots=True)
class RayPool:
    """settings, report: as of WorkerPool. folders: as of RayWorker.

    packages: must have the versions of this computer, or a computer gets no jobs: other versions give other results.
    notice: is told of computers that come, go or cannot be used.
    """

    settings: WorkerSettings
    folders: Sequence[str] = ()
    packages: Sequence[str] = ()
    report: Callable[[Sequence[RunningJob]], None] = lambda running: None
    notice: Callable[[str], None] = print

    def run(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        """Do all jobs and yield each outcome when it comes. No actor outlives the iterator. Raises ClusterError."""
        crew = _Crew(self, JobQueue(jobs))
        try:
            while crew.employ():
                yield from crew.outcomes()
        finally:
            crew.end()


class _Computer(NamedTuple):
    """A computer of the cluster."""

    node: str
    name: str
    cores: int


class _Actor:
    """An actor, the call that it has not answered yet, and the job that it does."""

    def __init__(self, computer: _Computer, pool: RayPool) -> None:
        self.computer = computer
        self.job: Job | None = None
        self.group: str | None = None
        self.is_ready = False
        self.start_s = 0.0
        place = NodeAffinitySchedulingStrategy(computer.node, soft=False)
        self._actor: Any = ray.remote(RayWorker).options(num_cpus=1, scheduling_strategy=place).remote(
            pool.settings, tuple(pool.folders)
        )  # fmt: skip
        self.call: Any = self._actor.versions.remote(tuple(pool.packages))

    def give(self, job: Job, parcel: Parcel | None) -> None:
        self.job, self.group, self.start_s = job, job.group, time.monotonic()
        self.call = self._actor.begin.remote(job.argument, parcel)

    def go_on(self) -> None:
        self.call = self._actor.go_on.remote()

    def close(self) -> Any:
        return self._actor.close.remote()

    def kill(self) -> None:
        with contextlib.suppress(RayError, ConnectionError, ValueError):  # it has ended already
            ray.kill(self._actor)


class _Crew:
    """The actors of all computers, and the jobs that wait for them."""

    def __init__(self, pool: RayPool, queue: JobQueue) -> None:
        self._pool, self._queue = pool, queue
        self._actors: list[_Actor] = []
        self._computers: dict[str, _Computer] = {}
        self._parcels: dict[Path, Parcel] = {}
        self._losses: Counter[str] = Counter()
        self._unfit: dict[str, str] = {}
        self._look_s = 0.0
        self._versions = versions(pool.packages)

    def employ(self) -> bool:
        """Give jobs to all idle actors, and hire more where cores are free; False when all jobs are done."""
        if not len(self._queue) and not any(actor.job for actor in self._actors):
            return False
        if time.monotonic() >= self._look_s:
            self._look_s = time.monotonic() + LOOK_S
            self._look()
        for actor in self._actors:
            if actor.is_ready and not actor.job and len(self._queue):
                job = self._queue.take(actor.group, {peer.group for peer in self._actors if peer is not actor})
                actor.give(job, self._parcel(job.file) if job.file else None)
        return True

    def _look(self) -> None:
        """Look which computers there are, and hire an actor for each free core as far as there are jobs."""
        nodes = [node for node in ray.nodes() if node["Alive"]]
        before = self._computers
        self._computers = {
            node["NodeID"]: _Computer(
                node["NodeID"], str(node["NodeManagerHostname"]), int(node["Resources"].get("CPU", 0))
            )
            for node in nodes
        }
        for node in before.keys() - self._computers.keys():
            self._pool.notice(f"{before[node].name} has left the cluster; its jobs are done again")
        for node in self._computers.keys() - before.keys():
            computer = self._computers[node]
            self._pool.notice(f"{computer.name} has joined the cluster: {computer.cores} of its cores drive")
        fit = [computer for node, computer in self._computers.items() if node not in self._unfit]
        if self._unfit and not sum(computer.cores for computer in fit):
            reasons = "; ".join(dict.fromkeys(self._unfit.values()))
            raise ClusterError(f"no computer of the cluster can do the jobs: {reasons}")
        idle_actors = sum(not actor.job for actor in self._actors)
        for computer in self._free_cores(fit)[: max(0, len(self._queue) - idle_actors)]:
            self._actors.append(_Actor(computer, self._pool))

    def _free_cores(self, computers: Sequence[_Computer]) -> list[_Computer]:
        """A computer for each core without an actor: first one of each computer, then a second one, and so on."""
        actors_of = Counter(actor.computer.node for actor in self._actors)
        free = [(core, one) for one in computers for core in range(actors_of[one.node], one.cores)]
        return [computer for _, computer in sorted(free, key=lambda pair: pair[0])]

    def _parcel(self, file: Path) -> Parcel:
        """A file and those beside it in Ray's store, from where each computer fetches them once. Raises OSError."""
        if file not in self._parcels:
            companions = sorted(one for one in file.parent.iterdir() if one.is_file() and not one.is_symlink())
            files: Files = tuple((one.name, one.read_bytes()) for one in companions)
            self._parcels[file] = Parcel(file.name, parcel_sha256(files), [ray.put(files)])
        return self._parcels[file]

    def outcomes(self) -> Iterator[JobOutcome]:
        """Wait a moment for answers, and yield the outcomes among them."""
        calls = {actor.call: actor for actor in self._actors if actor.call is not None}
        if not calls:
            time.sleep(POLL_S)  # until a computer comes
            return
        answered, _ = ray.wait(list(calls), timeout=POLL_S)
        self._report()
        for call in answered:
            if outcome := self._outcome(calls[call]):
                yield outcome

    def _report(self) -> None:
        now_s = time.monotonic()
        self._pool.report(
            [RunningJob(one.job, now_s - one.start_s, one.computer.name) for one in self._actors if one.job]
        )

    def _outcome(self, actor: _Actor) -> JobOutcome | None:
        """What came of the job of an actor that has answered, if it has ended."""
        call, actor.call = actor.call, None
        try:
            answer = ray.get(call)
        except RayError as error:
            return self._lost(actor, error)
        if actor.job is None:
            actor.is_ready = self._is_fit(actor, answer)
            return None
        if answer is None:
            actor.go_on()
            return None
        reply, job, actor.job = JobReply(*answer), actor.job, None
        return self._queue.died(job, reply.failure) if reply.died else JobOutcome(job, reply.result, reply.failure)

    def _is_fit(self, actor: _Actor, theirs: dict[str, str]) -> bool:
        """Whether a computer has our versions; otherwise it gets no job."""
        name = actor.computer.name
        differences = [
            f"{package} {theirs.get(package) or 'not at all'}, not {version}"
            for package, version in self._versions.items()
            if theirs.get(package) != version
        ]
        if differences:
            self._refuse(actor.computer, f"{name} has {', '.join(differences)}")
            self._dismiss(actor)
        return not differences

    def _lost(self, actor: _Actor, error: RayError) -> JobOutcome | None:
        """Put back the job of an actor that has ended."""
        self._dismiss(actor)
        computer = actor.computer
        self._losses[computer.node] += 1
        if isinstance(error, RayTaskError | RuntimeEnvSetupError) or self._losses[computer.node] >= MOST_LOSSES:
            self._refuse(computer, f"{computer.name} failed ({plain(error):.300})")
        return self._queue.lost(actor.job) if actor.job else None

    def _refuse(self, computer: _Computer, reason: str) -> None:
        if computer.node not in self._unfit and computer.node in self._computers:
            self._unfit[computer.node] = reason
            self._pool.notice(f"{reason}; it gets no more jobs")

    def _dismiss(self, actor: _Actor) -> None:
        self._actors.remove(actor)
        actor.kill()

    def end(self) -> None:
        """End all actors and their processes, and delete their files."""
        closing_calls = [actor.close() for actor in self._actors if actor.is_ready]
        if closing_calls:
            with contextlib.suppress(RayError, ConnectionError):
                ray.wait(closing_calls, num_returns=len(closing_calls), timeout=CLOSE_S)
        for actor in self._actors:
            actor.kill()
