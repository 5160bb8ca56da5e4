"""A pool of processes on all computers of a Ray cluster: its jobs, queue and outcomes are those of `WorkerPool`.

Each core has an actor, which owns a process within limits. Computers may come and go while the jobs are done.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import ray
from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError

from protocol.command_line import plain
from training.jobs.job_process import JobReply
from training.jobs.jobs import NO_NEEDS, Job, JobOutcome, JobQueue, Needs, RunningJob
from training.jobs.process import WorkerSettings
from training.jobs.ray_actor import ClusterComputer, JobActor, differences, living_computers
from training.jobs.ray_cluster import ClusterError
from training.jobs.ray_files import Files, Parcel, files_beside, files_sha256, read_folder, write_folder
from training.jobs.ray_worker import Greeting, WorkerNews, versions

POLL_S, LOOK_S, CLOSE_S = 0.5, 2.0, 5.0
MOST_LOSSES = 3
"""A computer whose actors ended so often, while it went on itself, gets no more jobs."""


@dataclass(frozen=True, slots=True)
class RayPool:
    """settings, report: as of WorkerPool. folders: as of RayWorker. needs: what a computer must have.

    shares_folders: whether the jobs' folders lie under the same paths on all computers.
    notice: is told of computers that come, go or cannot be used. hardware: gets that of each computer, by its name.
    """

    settings: WorkerSettings
    folders: Sequence[str] = ()
    needs: Needs = NO_NEEDS
    shares_folders: bool = False
    report: Callable[[Sequence[RunningJob]], None] = lambda running: None
    notice: Callable[[str], None] = print
    hardware: dict[str, str] = field(default_factory=dict)

    def run(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        """Do all jobs and yield each outcome when it comes. No actor outlives the iterator. Raises ClusterError."""
        crew = _Crew(self, JobQueue(jobs))
        try:
            while crew.employ():
                yield from crew.outcomes()
        finally:
            crew.end()


class _Crew:
    """The actors of all computers, and the jobs that wait for them."""

    def __init__(self, pool: RayPool, queue: JobQueue) -> None:
        self._pool, self._queue = pool, queue
        self._actors: list[JobActor] = []
        self._computers: dict[str, ClusterComputer] = {}
        self._parcels: dict[Path, Parcel] = {}
        self._losses: Counter[str] = Counter()
        self._unfit: dict[str, str] = {}
        self._look_s = 0.0
        self._use_gpus = False
        self._versions = versions(pool.needs.packages)

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
                self._give(actor, job)
        return True

    def _look(self) -> None:
        """Look which computers there are, and hire an actor for each free core as far as there are jobs."""
        before, self._computers = self._computers, living_computers()
        self._use_gpus = self._pool.needs.gpus and any(one.gpus for one in self._computers.values())
        for node in before.keys() - self._computers.keys():
            self._pool.notice(f"{before[node].name} has left the cluster; its jobs are done again")
        for node in self._computers.keys() - before.keys():
            computer = self._computers[node]
            unit = f"{computer.gpus} of its GPUs" if self._use_gpus else f"{computer.cores} of its cores"
            self._pool.notice(f"{computer.name} has joined the cluster: {unit} work")
        fit = [computer for node, computer in self._computers.items() if node not in self._unfit]
        if self._unfit and not sum(map(self._places, fit)):
            reasons = "; ".join(dict.fromkeys(self._unfit.values()))
            raise ClusterError(f"no computer of the cluster can do the jobs: {reasons}")
        idle_actors = sum(not actor.job for actor in self._actors)
        pool = self._pool
        for computer in self._free_places(fit)[: max(0, len(self._queue) - idle_actors)]:
            self._actors.append(JobActor(computer, pool.settings, pool.folders, pool.needs, int(self._use_gpus)))

    def _places(self, computer: ClusterComputer) -> int:
        """How many jobs a computer does at once: one on each GPU, or on each few cores."""
        if self._use_gpus:
            return computer.gpus
        return max(min(1, computer.cores), computer.cores // self._pool.needs.cores)

    def _free_places(self, computers: Sequence[ClusterComputer]) -> list[ClusterComputer]:
        """A computer for each place without an actor: first one of each computer, then a second one, and so on."""
        actors_of = Counter(actor.computer.node for actor in self._actors)
        free = [(place, one) for one in computers for place in range(actors_of[one.node], self._places(one))]
        return [computer for _, computer in sorted(free, key=lambda pair: pair[0])]

    def _give(self, actor: JobActor, job: Job) -> None:
        """Send a job with its files. Raises OSError, DamagedParcel."""
        filled: Files | None = None
        if job.folder and self._pool.shares_folders:
            job = replace(job, argument=job.argument | {"folder": str(job.folder.resolve())})
        elif job.folder:
            filled = read_folder(job.folder)
        actor.give(job, self._parcel(job.file) if job.file else None, filled)

    def _parcel(self, file: Path) -> Parcel:
        """A file and those beside it in Ray's store, from where each computer fetches them once. Raises OSError."""
        if file not in self._parcels:
            files = files_beside(file)
            self._parcels[file] = Parcel(file.name, files_sha256(files), [ray.put(files)])
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
        self._pool.report([actor.running(actor.job) for actor in self._actors if actor.job])

    def _outcome(self, actor: JobActor) -> JobOutcome | None:
        """What came of the job of an actor that has answered, if it has ended."""
        call, actor.call = actor.call, None
        try:
            answer = ray.get(call)
        except RayError as error:
            return self._lost(actor, error)
        if actor.job is None:
            actor.is_ready = self._is_fit(actor, Greeting(*answer))
            return None
        news = WorkerNews(*answer)
        if news.reply is None:
            actor.go_on(news.share)
            return None
        reply, job, actor.job = JobReply(*news.reply), actor.job, None
        self._keep(job, news.files)
        return self._queue.died(job, reply.failure) if reply.died else JobOutcome(job, reply.result, reply.failure)

    def _keep(self, job: Job, files: Files) -> None:
        """Write what came back of a job's folder. Raises OSError, DamagedParcel."""
        if job.folder and files:
            write_folder(job.folder, files)

    def _is_fit(self, actor: JobActor, greeting: Greeting) -> bool:
        """Whether a computer has what the jobs need; otherwise it gets none."""
        name = actor.computer.name
        self._pool.hardware[name] = greeting.hardware
        reasons = differences(greeting, self._pool.needs, self._versions)
        if reasons:
            self._refuse(actor.computer, f"{name} has {', '.join(reasons)}")
            self._dismiss(actor)
        return not reasons

    def _lost(self, actor: JobActor, error: RayError) -> JobOutcome | None:
        """Put back the job of an actor that has ended."""
        self._dismiss(actor)
        computer = actor.computer
        self._losses[computer.node] += 1
        if isinstance(error, RayTaskError | RuntimeEnvSetupError) or self._losses[computer.node] >= MOST_LOSSES:
            self._refuse(computer, f"{computer.name} failed ({plain(error):.300})")
        return self._queue.lost(actor.job) if actor.job else None

    def _refuse(self, computer: ClusterComputer, reason: str) -> None:
        if computer.node not in self._unfit and computer.node in self._computers:
            self._unfit[computer.node] = reason
            self._pool.notice(f"{reason}; it gets no more jobs")

    def _dismiss(self, actor: JobActor) -> None:
        self._actors.remove(actor)
        actor.kill()

    def end(self) -> None:
        """End all actors and their processes, keep the folders of unfinished jobs, and delete the actors' files."""
        jobs = {actor.close(): actor.job for actor in self._actors if actor.is_ready}
        ended_calls = []
        with contextlib.suppress(RayError, ConnectionError):
            ended_calls, _ = ray.wait(list(jobs), num_returns=len(jobs), timeout=CLOSE_S) if jobs else ([], [])
        for call in ended_calls:
            with contextlib.suppress(RayError, ConnectionError, OSError, ValueError):
                if job := jobs[call]:
                    self._keep(job, ray.get(call))
        for actor in self._actors:
            actor.kill()
