"""Jobs, what comes of them, and the queue in which they wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

DEATHS = 2
"""A job whose process has died so often has failed; the first time may be another program's fault."""

LOSSES = 4
"""A job whose computer was lost so often has failed: it may be what takes the computers down."""


@dataclass(frozen=True, slots=True)
class Job:
    """key: of the job, for the caller; argument: plain values; title: for the user.

    group: jobs of one group are done by one process, one after another, as far as there are processes for the groups.
    file: what the job reads, with the files beside it; the function gets its path as `file`, on whatever computer.
    folder: what the job fills; the function gets its path as `folder`. What it already contains goes to the computer
    that does the job, and what it contains in the end comes back, also when the process has died.
    """

    key: str
    argument: dict[str, Any]
    title: str
    group: str = ""
    file: Path | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """result: what the function returned; else failure: why it did not, for the user."""

    job: Job
    result: dict[str, Any] | None
    failure: str = ""


class RunningJob(NamedTuple):
    """A job, for how long it has been running, and the computer where it runs; "" for this one.

    share: how much of it is done, 0 to 1, as far as the job tells it.
    """

    job: Job
    seconds: float
    computer: str = ""
    share: float = 0.0


class Needs(NamedTuple):
    """What a computer of a cluster must have, or it gets no jobs.

    packages: in the versions of this computer, since other versions give other results. files: by path, with the hash
    of each; "" for a file that must not be there. cores: for each job. gpus: a job gets a GPU where there are any.
    """

    packages: Sequence[str] = ()
    files: Mapping[str, str] = MappingProxyType({})
    cores: int = 1
    gpus: bool = False


NO_NEEDS = Needs()


class JobQueue:
    """The jobs that wait, by group, and how often each was begun in vain."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._groups: dict[str, list[Job]] = {job.group: [] for job in jobs}
        for job in reversed(jobs):
            self._groups[job.group].append(job)
        self._deaths: dict[str, int] = {}
        self._losses: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def take(self, group: str | None, others: set[str | None]) -> Job:
        """The next job of this group; else of the largest group, if possible of one that no other process has.

        Of groups of one size, the one whose jobs came first.
        """
        lengths = {name: len(jobs) for name, jobs in self._groups.items() if jobs}
        if group not in lengths:
            group = max(lengths, key=lambda name: (name not in others, lengths[name]))
        return self._groups[group].pop()

    def died(self, job: Job, reason: str) -> JobOutcome | None:
        """Put a job back whose process died, or return its failure if that was once too often."""
        self._deaths[job.key] = self._deaths.get(job.key, 0) + 1
        return self._again(job, reason, self._deaths[job.key], DEATHS)

    def lost(self, job: Job) -> JobOutcome | None:
        """Put a job back whose computer was lost, or return its failure if that was once too often."""
        self._losses[job.key] = self._losses.get(job.key, 0) + 1
        return self._again(job, "its computer was lost", self._losses[job.key], LOSSES)

    def _again(self, job: Job, reason: str, times: int, most: int) -> JobOutcome | None:
        if times >= most:
            return JobOutcome(job, None, f"{reason}, {times} times")
        self._groups[job.group].append(job)
        return None
