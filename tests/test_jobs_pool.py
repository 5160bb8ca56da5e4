"""The pool's processes do jobs, and whatever a job does to its process, the others go on."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from training.jobs.jobs import Job, JobOutcome, JobQueue, RunningJob
from training.jobs.pool import WorkerPool
from training.jobs.process import ProcessLimits, WorkerSettings

LIMITS = ProcessLimits(4 << 30, 1 << 20)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limits and has no such signals")


def pool(
    workers: int = 1, limit_s: float = 60.0, alone: bool = False, environment: dict[str, str] | None = None
) -> WorkerPool:
    return WorkerPool(WorkerSettings("tests.pool_jobs:work", limit_s, LIMITS, environment or {}), workers, alone)


def job(tmp_path: Path, name: str, act: str = "work", group: str = "", folder: Path | None = None) -> Job:
    return Job(name, {"name": name, "act": act, "notes": str(tmp_path / "notes")}, name, group, folder=folder)


def outcomes(pool: WorkerPool, *jobs: Job) -> dict[str, JobOutcome]:
    results = {outcome.job.key: outcome for outcome in pool.run(jobs)}
    assert not multiprocessing.active_children(), "no process outlives the jobs"
    return results


@POSIX
def test_a_process_goes_on_and_a_dead_one_is_replaced(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [
        job(tmp_path, "first", "print"),
        job(tmp_path, "unlucky", "die once"),
        job(tmp_path, "deadly", "die"),
        job(tmp_path, "wrong", "raise"),
        job(tmp_path, "last"),
    ]
    results = outcomes(pool(environment={"OF_THE_POOL": "yes"}), *jobs)
    assert results["first"].result == {"done": ["first"], "variable": "yes"}
    assert results["unlucky"].result == {"done": ["unlucky"], "variable": "yes"}, "again, in another process"
    assert results["deadly"] == JobOutcome(jobs[2], None, "its process ended with SIGSEGV, 2 times")
    assert results["wrong"] == JobOutcome(jobs[3], None, "it is not ?[31mso")
    assert results["last"].result == {"done": ["last"], "variable": "yes"}
    assert (tmp_path / "notes").read_text().split() == [
        *["first", "unlucky"],
        *["unlucky", "deadly"],
        *["deadly", "wrong", "last"],
    ]
    assert capfd.readouterr().err == ""


@POSIX
@pytest.mark.slow
def test_a_job_gets_so_much_time_memory_and_room_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.jobs.job_process.PATIENCE", 1000)  # this computer may be busy
    acts = ("spin", "hoard", "fill")
    results = outcomes(pool(limit_s=2.0), *(job(tmp_path, act, act) for act in acts))
    assert results["spin"].failure == "it took more than 2 s of processor time, 2 times"
    assert results["hoard"].failure == "it needs more than 4 GB of memory"
    assert "File too large" in results["fill"].failure


@pytest.mark.slow
def test_each_process_keeps_its_group_and_helps_with_another_in_the_end(tmp_path: Path) -> None:
    jobs = [job(tmp_path, f"{group}{number}", group=group) for group in "ab" for number in range(4)]
    results = outcomes(pool(workers=2), *jobs)
    assert sorted(results) == sorted(one.key for one in jobs)
    orders = [result.result["done"] for result in results.values() if result.result]
    for order in orders:
        groups = [name[0] for name in order]
        assert groups == sorted(groups, key=groups.index), f"{order}: one group after the other"


@pytest.mark.slow
def test_a_job_may_have_a_process_of_its_own(tmp_path: Path) -> None:
    results = outcomes(pool(alone=True, workers=2), *(job(tmp_path, name) for name in "abc"))
    assert [results[name].result for name in "abc"] == [{"done": [name], "variable": None} for name in "abc"]


@pytest.mark.slow
def test_no_process_outlives_a_caller_who_stops(tmp_path: Path) -> None:
    running = pool(workers=2).run([job(tmp_path, name, "spin" if name == "b" else "work") for name in "ab"])
    assert next(running).job.key == "a"
    running.close()
    assert not multiprocessing.active_children()


@POSIX
@pytest.mark.slow
def test_a_job_fills_its_folder_and_goes_on_there_after_its_process_died(tmp_path: Path) -> None:
    results = outcomes(pool(), job(tmp_path, "learn", "die once", folder=tmp_path / "run"))
    assert results["learn"].result == {"epochs_before": 1}
    assert (tmp_path / "run" / "below" / "model").read_text() == "weights"


@pytest.mark.slow
def test_a_job_tells_how_much_of_it_is_done(tmp_path: Path) -> None:
    shares: list[float] = []

    def report(running: Sequence[RunningJob]) -> None:
        shares.extend(one.share for one in running)
        if 0.5 in shares:
            (tmp_path / "go").touch()

    waiting = replace(pool(), report=report)
    assert [outcome.failure for outcome in waiting.run([job(tmp_path, "a", "wait", folder=tmp_path / "run")])] == [""]
    assert set(shares) == {0.0, 0.5} or set(shares) == {0.5}


def test_groups_of_one_size_take_turns_in_the_order_of_their_jobs():
    jobs = [Job(f"{group}{number}", {}, "", group) for group in "ABC" for number in range(1 + (group == "C"))]
    queue, order = JobQueue(jobs), []
    while queue:
        order.append(queue.take(None, set()).key)
    assert order == ["C0", "A0", "B0", "C1"], "the largest group comes first"
