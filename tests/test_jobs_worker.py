"""What an actor does on a cluster's computer, without Ray: a job's folder goes there and comes back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.jobs.process import ProcessLimits, WorkerSettings
from training.jobs.ray_files import DamagedParcel, hashes, read_folder, write_folder
from training.jobs.ray_worker import RayWorker, WorkerNews


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RayWorker]:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "set back after the test", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    worker = RayWorker(WorkerSettings("tests.pool_jobs:work", 60.0, ProcessLimits(), {}), ("TMPDIR",))
    yield worker
    worker.close()
    vars(sys.modules["__main__"]).setdefault("__file__", "removed by the worker")


def argument(tmp_path: Path, act: str) -> dict[str, str]:
    return {"name": "learn", "act": act, "notes": str(tmp_path / "notes")}


def ended(worker: RayWorker, news: WorkerNews) -> WorkerNews:
    while news.reply is None:
        news = worker.go_on()
    return news


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_folder_comes_back_also_from_a_process_that_died(worker: RayWorker, tmp_path: Path) -> None:
    died = ended(worker, worker.begin(argument(tmp_path, "die once"), None, ()))
    assert died.reply
    assert died.reply.died
    assert died.files == (("checkpoint", b"e"),)
    finished = ended(worker, worker.begin(argument(tmp_path, "work"), None, died.files))
    assert finished.reply
    assert finished.reply.result == {"epochs_before": 1}
    assert finished.files == (("below/model", b"weights"), ("checkpoint", b"ee"))
    assert worker.close() == (), "nothing comes twice"


@pytest.mark.slow
def test_a_stop_brings_home_what_an_unfinished_job_has_made(worker: RayWorker, tmp_path: Path) -> None:
    news = worker.begin(argument(tmp_path, "wait"), None, (("checkpoint", b"ee"),))
    while news.share != 0.5:
        news = worker.go_on()
    assert worker.close() == (("checkpoint", b"eee"),)
    assert [path.name for path in tmp_path.iterdir()] == [], "its files are deleted"


def test_a_folder_contains_what_was_sent_and_nothing_else(tmp_path: Path) -> None:
    for name in ("old", "run.lock", ".model.h5.17"):
        (tmp_path / name).write_text("before")
    files = (("below/model", b"weights"), ("checkpoint", b"e"))
    write_folder(tmp_path, files)
    assert read_folder(tmp_path) == files
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.h5.17", "below", "checkpoint", "run.lock"]
    assert read_folder(tmp_path / "missing") == ()
    assert hashes([str(tmp_path / "missing")]) == {str(tmp_path / "missing"): ""}


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "C:out", "a\\out", ""])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedParcel, match="a place outside of its folder"):
        write_folder(tmp_path / "run", ((name, b"x"),))
