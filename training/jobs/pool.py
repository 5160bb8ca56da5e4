"""A pool of processes of this computer does jobs, and survives whatever a job does to its process.

`WorkerPool.run` is all that a command asks of it: jobs in, outcomes out as they end. The standard library's executors
end altogether when a process dies, and none of them lets a process go on with the scene that it has already drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait

from training.jobs.job_process import JobProcess
from training.jobs.jobs import Job, JobOutcome, JobQueue, RunningJob
from training.jobs.process import WorkerSettings

POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """settings: of each process; workers: how many processes; alone: each job has a fresh process.

    report: is told several times a second which jobs are running.
    """

    settings: WorkerSettings
    workers: int
    alone: bool = False
    report: Callable[[Sequence[RunningJob]], None] = lambda running: None

    def run(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        """Do all jobs and yield each outcome when it comes. No process outlives the iterator."""
        queue, places = JobQueue(jobs), list[_Place]()
        try:
            while True:
                self._employ(places, queue)
                busy_places = [place for place in places if place.job]
                if not busy_places:
                    return
                wait([place.worker.connection for place in busy_places], POLL_S)
                self.report([place.running(place.job) for place in busy_places if place.job])
                for place in busy_places:
                    if outcome := place.outcome(queue):
                        yield outcome
                    if place.worker.ended or (self.alone and not place.job):
                        place.worker.end()
                        places.remove(place)
        finally:
            for place in places:
                place.worker.end()

    def _employ(self, places: list[_Place], queue: JobQueue) -> None:
        """Give each idle process a job, and start as many processes as there are jobs for."""
        while len(places) < self.workers and len(queue) > sum(not place.job for place in places):
            places.append(_Place(JobProcess(self.settings)))
        for place in places:
            if not place.job and len(queue):
                place.give(queue.take(place.group, {other.group for other in places if other is not place}))


class _Place:
    """A process, the job that it does, and the group of its last one."""

    def __init__(self, worker: JobProcess) -> None:
        self.worker = worker
        self.job: Job | None = None
        self.group: str | None = None

    def give(self, job: Job) -> None:
        self.job, self.group = job, job.group
        paths = {"file": job.file, "folder": job.folder}
        self.worker.give(job.argument | {name: str(path.resolve()) for name, path in paths.items() if path})

    def running(self, job: Job) -> RunningJob:
        """What is told of the job."""
        return RunningJob(job, self.worker.seconds, share=self.worker.share)

    def outcome(self, queue: JobQueue) -> JobOutcome | None:
        """The outcome of the job if it has ended; a job whose process died goes back to the queue first."""
        assert self.job
        reply = self.worker.reply()
        if reply is None:
            return None
        job, self.job = self.job, None
        return queue.died(job, reply.failure) if reply.died else JobOutcome(job, reply.result, reply.failure)
