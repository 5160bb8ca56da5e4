"""Jobs on a Ray cluster whose computers come and go: no job is lost, and none is blamed for its computer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ray_lock import ray_lock
from training.jobs.jobs import Job, JobOutcome
from training.jobs.process import ProcessLimits, WorkerSettings
from training.jobs.ray_cluster import CODE, ray_cluster

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


def pool(notices: list[str], packages: tuple[str, ...] = ("numpy",)) -> RayPool:
    settings = WorkerSettings("tests.pool_jobs:work", 60.0, LIMITS, {"OF_THE_POOL": "yes"})
    return RayPool(settings, ("TMPDIR",), packages, notice=notices.append)


def job(tmp_path: Path, name: str, act: str = "work", group: str = "", file: Path | None = None) -> Job:
    return Job(name, {"name": name, "act": act, "notes": str(tmp_path / "notes")}, name, group, file)


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
