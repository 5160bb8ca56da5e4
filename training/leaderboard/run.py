"""The work behind a board: submissions are opened, driven and filmed, and what has been done is not done again."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.jobs.hardware import hardware
from training.jobs.jobs import Job, JobOutcome, Needs
from training.jobs.process import ProcessLimits, WorkerSettings
from training.jobs.runner import LIBRARIES, JobRunner
from training.leaderboard.board import BoardDrive, DrivenModel
from training.leaderboard.rules import BoardRules
from training.leaderboard.store import DriveStore, is_facts
from training.leaderboard.submissions import Submission
from training.leaderboard.tasks import DriveResult, DriveTask, failed_drive, read_result, road_title


class BoardRunError(RuntimeError):
    """Something besides the submissions keeps a board from being made."""


@dataclass(frozen=True, slots=True)
class SubmittedModel:
    """A submission with the facts of its model."""

    submission: Submission
    facts: dict[str, Any]

    @property
    def file(self) -> Path:
        """The file that drives."""
        return self.submission.folder / self.facts["driving"]

    def tasks(self, rules: BoardRules) -> list[DriveTask]:
        """What it has to drive. The pixels belong to the model: a card may have changed them."""
        return rules.tasks(f"{self.facts['driving_sha256']} {self.submission.sha256}")


class BoardRun:
    """The work in a board's folder. workers: processes; identify: recordings to find strangers' pixels with.

    on_cluster: whether the Ray cluster that this process has joined drives and films.
    """

    def __init__(
        self,
        rules: BoardRules,
        store: DriveStore,
        workers: int,
        identify: Sequence[Path] = (),
        on_cluster: bool = False,
    ) -> None:
        self._rules, self._store = rules, store
        self._runner = JobRunner(workers, on_cluster, store.cache)
        self._settings = {
            "identify": [str(recording.resolve()) for recording in identify],
            "memory_gb": rules.limits.memory_gb,
            "open_s": rules.limits.open_s,
        }

    def open(self, submissions: Sequence[Submission]) -> tuple[list[SubmittedModel], list[Submission]]:
        """Open all submissions; returns the models, and the refused submissions with their reasons."""
        by_sha256 = {one.sha256: one for one in submissions if not one.refusal}
        unread = [one for one in by_sha256.values() if self._store.facts(one, self._settings) is None]
        max_bytes = int(self._rules.limits.file_mb * 1e6)
        jobs = [Job(one.sha256, self._settings_of(one, max_bytes), one.name, group=one.sha256) for one in unread]
        for outcome in self._outcomes("examine:examine", "opening", jobs, self._rules.limits.open_s, alone=True):
            refusal = {"refusal": outcome.failure or "its process told nothing of it"}
            facts = outcome.result if outcome.result and is_facts(outcome.result) else refusal
            self._store.keep_facts(by_sha256[outcome.job.key], self._settings, facts)
        models: list[SubmittedModel] = []
        refusals = [one for one in submissions if one.refusal]
        for one in (one for one in submissions if not one.refusal):
            facts = self._store.facts(one, self._settings) or {"refusal": "its copy has been changed or deleted"}
            if "refusal" in facts:
                refusals.append(Submission(one.name, one.sha256, one.folder, str(facts["refusal"])))
            else:
                models.append(SubmittedModel(one, facts))
        return models, sorted(refusals, key=lambda one: one.name.casefold())

    def _settings_of(self, submission: Submission, max_bytes: int) -> dict[str, Any]:
        return {
            "folder": str(submission.folder.resolve()),
            "max_bytes": max_bytes,
            "identify": self._settings["identify"],
            "limit_s": self._rules.limits.open_s,
        }

    def drive(self, models: Sequence[SubmittedModel]) -> list[DrivenModel]:
        """Drive what has not been driven. Raises BoardRunError if a track cannot be drawn."""
        tasks = {task.key: (task, one) for one in models for task in one.tasks(self._rules)}
        jobs = [self._job(*pair) for pair in tasks.values() if self._store.result(pair[0]) is None]
        for outcome in self._outcomes("drives:drive_task", "driving", jobs, self._rules.limits.drive_s):
            self._store.keep_result(tasks[outcome.job.key][0], _result(outcome))
        return [DrivenModel(one.submission, one.facts, tuple(self._drives(one))) for one in models]

    @property
    def computers(self) -> dict[str, str]:
        """The hardware of the cluster's computers, by their names."""
        return self._runner.hardware

    def commits(self, models: Sequence[DrivenModel]) -> list[str]:
        """The commits with which the models' drives were driven."""
        return sorted({self._store.commit_of(drive.task) for one in models for drive in one.drives})

    def film(self, models: Sequence[DrivenModel]) -> None:
        """Film the worst minute of each model that has no film of it."""
        worst = {one.worst.task.key: one for one in models if one.worst.result.steering}
        jobs = [
            _film_job(one.submission.name, one.worst)
            for one in worst.values()
            if self._store.film(one.worst.task) is None
        ]
        for outcome in self._outcomes("drives:film_task", "filming", jobs, self._rules.limits.drive_s):
            if outcome.result is not None:
                self._store.keep_film(worst[outcome.job.key].worst.task, outcome.result.get("film"))

    def _drives(self, model: SubmittedModel) -> Iterator[BoardDrive]:
        for task in model.tasks(self._rules):
            yield BoardDrive(task, self._store.result(task) or failed_drive("its record has been changed or deleted"))

    def _job(self, task: DriveTask, model: SubmittedModel) -> Job:
        title = f"{model.submission.name} on {road_title(*task.road)}"
        return Job(task.key, {"task": asdict(task)}, title, group=task.track, file=model.file)

    def _outcomes(
        self, function: str, title: str, jobs: Sequence[Job], limit_s: float, alone: bool = False
    ) -> Iterator[JobOutcome]:
        """Let the cluster drive and film, or this computer, which opens files itself, since it also times them."""
        limits = ProcessLimits(int(self._rules.limits.memory_gb * (1 << 30)), int(4 * self._rules.limits.file_mb * 1e6))
        variables = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
        settings = WorkerSettings(f"training.leaderboard.{function}", limit_s, limits, variables)
        for outcome in self._runner.outcomes(title, jobs, settings, Needs(LIBRARIES), alone):
            if outcome.failure:
                tqdm.write(f"{outcome.job.title}: {outcome.failure}")
            yield outcome


def _film_job(name: str, drive: BoardDrive) -> Job:
    task, result = drive.task, drive.result
    title = f"{name}, {road_title(*task.road)}"
    argument = {"task": asdict(task), "steering": result.steering, "start_s": result.worst_s, "title": title}
    return Job(task.key, argument, title, group=task.track)


def _result(outcome: JobOutcome) -> DriveResult:
    """What came of a drive. Raises BoardRunError if it is no model's fault."""
    if outcome.result is None:
        return failed_drive(outcome.failure)
    if "no_world" in outcome.result:
        raise BoardRunError(str(outcome.result["no_world"]))
    try:
        return read_result(outcome.result)
    except ValueError as error:
        return failed_drive(f"its process told something else than a drive: {error}")


def made(workers: int, commit: str, commits: Sequence[str], computers: Mapping[str, str]) -> dict[str, Any]:
    """Where and with what a board is made. commits: those with which its drives were driven.

    computers: the hardware of the cluster's computers that have driven now, by their names.
    """
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "commits": list(commits),
        "hardware": hardware(),
        "computers": dict(sorted(computers.items())),
        "workers": workers,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }
