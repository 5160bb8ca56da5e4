"""Jobs on a Ray cluster whose computers come and go: no job is lost, and none is blamed for its computer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from models.whole_files import sha256
from tests.ray_lock import ray_lock
from training.jobs.jobs import Job, JobOutcome, Needs, RunningJob
from training.jobs.process import ProcessLimits, WorkerSettings
from training.jobs.ray_cluster import CODE, ClusterError, ray_cluster

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Using fork:DeprecationWarning")]

from ray.cluster_utils import Cluster  # noqa: E402

from training.jobs.ray_pool import RayPool  # noqa: E402

LIMITS = ProcessLimits(4 << 30, 1 << 20)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster whose first computer has no core for jobs, and never goes."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else it depends on what lies in the home folder
    with ray_lock():
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        with ray_cluster(cluster.address, 1, (*CODE, "tests")):
            yield cluster
        cluster.shutdown()


def pool(notices: list[str], files: dict[str, str] | None = None, shares_folders: bool = False) -> RayPool:
    settings = WorkerSettings("tests.pool_jobs:work", 60.0, LIMITS, {"OF_THE_POOL": "yes"})
    needs = Needs(("numpy",), files or {})
    return RayPool(settings, ("TMPDIR",), needs, shares_folders, notice=notices.append)


def job(
    tmp_path: Path, name: str, act: str = "work", group: str = "", file: Path | None = None, folder: Path | None = None
) -> Job:
    return Job(name, {"name": name, "act": act, "notes": str(tmp_path / "notes")}, name, group, file, folder)


def test_a_computer_dies_and_another_joins(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    model = tmp_path / "model" / "model.h5"
    model.write_bytes(b"weights")
    model.with_suffix(".json").write_text("card")
    first, second = (cluster.add_node(num_cpus=1) for _ in range(2))
    jobs = [
        job(tmp_path, "a1", group="a"),
        job(tmp_path, "b1", "wait", group="b", file=model),
        job(tmp_path, "deadly", "die", group="a"),
        job(tmp_path, "wrong", "raise", group="a"),
        job(tmp_path, "a2", "wait", group="a", file=model),
        job(tmp_path, "a3", "wait", group="a", file=model),
    ]
    results: dict[str, JobOutcome] = {}
    notices: list[str] = []
    for outcome in pool(notices).run(jobs):
        results[outcome.job.key] = outcome
        if outcome.job.key == "wrong":  # b1 still waits, on the other computer
            running = cluster.list_all_nodes()
            assert {first, second} <= set(running)
            cluster.remove_node(second, allow_graceful=False)
            cluster.remove_node(first, allow_graceful=False)
            cluster.add_node(num_cpus=1)
            (tmp_path / "go").touch()
    assert set(results) == {one.key for one in jobs}
    assert results["deadly"].failure == "its process ended with SIGSEGV, 2 times"
    assert results["wrong"].failure == "it is not ?[31mso"
    for name in ("a2", "a3", "b1"):
        result = results[name].result
        assert result, results[name].failure
        assert result["read"] == {"model.h5": "weights", "model.json": "card"}
        assert result["variable"] == "yes"
    assert sum("has joined the cluster: 1 of" in notice for notice in notices) == 3


def test_folders_travel_both_ways_and_a_computer_without_files_gets_no_jobs(cluster: Cluster, tmp_path: Path) -> None:
    log, elsewhere = tmp_path / "driving_log.csv", tmp_path / "exclude.txt"
    log.write_text("rows")
    cluster.add_node(num_cpus=1)
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "checkpoint").write_text("ee")
    jobs = [
        job(tmp_path, "new", "die once", folder=tmp_path / "new"),
        job(tmp_path, "begun", folder=begun),
    ]
    fits = pool([], {str(log): sha256(log), str(elsewhere): ""})
    results = {outcome.job.key: outcome.result for outcome in fits.run(jobs)}
    assert results == {"new": {"epochs_before": 1}, "begun": {"epochs_before": 2}}
    for name, checkpoint in (("new", "ee"), ("begun", "eee")):
        assert (tmp_path / name / "checkpoint").read_text() == checkpoint
        assert (tmp_path / name / "below" / "model").read_text() == "weights"
    (text,) = fits.hardware.values()
    assert " cores, " in text

    with pytest.raises(ClusterError, match=r"has .*driving_log.csv with another content, .*exclude.txt not at all"):
        list(pool([], {str(log): "0" * 64, str(elsewhere): "0" * 64}).run([job(tmp_path, "late")]))

    shares: set[float] = set()

    def stop(running: Sequence[RunningJob]) -> None:
        shares.update(one.share for one in running)
        if 0.5 in shares:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(replace(pool([]), report=stop).run([job(tmp_path, "long", "wait", folder=tmp_path / "cut")]))
    assert (tmp_path / "cut" / "checkpoint").read_text() == "e", "a stop brings home what there is"

    cluster.add_node(num_cpus=1, num_gpus=1)
    notices: list[str] = []
    on_gpus = replace(pool(notices), needs=Needs(("numpy",), gpus=True))
    seen = [outcome.result for outcome in on_gpus.run([job(tmp_path, name, "see") for name in "pq"])]
    assert [result["gpu"] for result in seen if result] == ["0", "0"], "none works where there is no GPU"
    assert len([notice for notice in notices if "1 of its GPUs work" in notice]) == 1


def test_on_a_shared_folder_a_job_goes_on_when_its_computer_died(cluster: Cluster, tmp_path: Path) -> None:
    first = cluster.add_node(num_cpus=1)
    run = tmp_path / "run"
    sharing = pool([], shares_folders=True)
    started: list[str] = []

    def report(running: Sequence[RunningJob]) -> None:
        if not started and any(one.share == 0.5 for one in running):
            started.append("yes")
            cluster.remove_node(first, allow_graceful=False)
            cluster.add_node(num_cpus=1)
            (tmp_path / "go").touch()

    (outcome,) = replace(sharing, report=report).run([job(tmp_path, "long", "wait", folder=run)])
    assert outcome.result == {"epochs_before": 1}
    assert (run / "checkpoint").read_text() == "ee"
