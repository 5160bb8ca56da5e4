"""An actor on a cluster's computer, as its owner holds it: the call that it has not answered yet, and its job."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from training.jobs.jobs import Job, Needs, RunningJob
from training.jobs.process import WorkerSettings
from training.jobs.ray_files import Files, Parcel
from training.jobs.ray_worker import Greeting, RayWorker


class ClusterComputer(NamedTuple):
    """A computer of the cluster. cores, gpus: what it gives to the cluster."""

    node: str
    name: str
    cores: int
    gpus: int


def living_computers() -> dict[str, ClusterComputer]:
    """The computers of the cluster that live now, by node."""
    computers = {}
    for node in ray.nodes():
        if node["Alive"]:
            parts = node["Resources"]
            cores, gpus = int(parts.get("CPU", 0)), int(parts.get("GPU", 0))
            computers[node["NodeID"]] = ClusterComputer(node["NodeID"], str(node["NodeManagerHostname"]), cores, gpus)
    return computers


class JobActor:
    """An actor. gpus: how many it gets, 0 or 1."""

    def __init__(
        self, computer: ClusterComputer, settings: WorkerSettings, folders: Sequence[str], needs: Needs, gpus: int
    ) -> None:
        self.computer = computer
        self.job: Job | None = None
        self.group: str | None = None
        self.is_ready = False
        self.share = 0.0
        self._start_s = 0.0
        place = NodeAffinitySchedulingStrategy(computer.node, soft=False)
        cores = min(needs.cores, computer.cores // computer.gpus if gpus else computer.cores)
        self._actor: Any = ray.remote(RayWorker).options(
            num_cpus=cores, num_gpus=gpus, scheduling_strategy=place
        ).remote(settings, tuple(folders))  # fmt: skip
        self.call: Any = self._actor.greet.remote(tuple(needs.packages), tuple(needs.files))

    def give(self, job: Job, parcel: Parcel | None, filled: Files | None) -> None:
        """Let it begin a job; its arguments are those of RayWorker.begin."""
        self.job, self.group, self.share, self._start_s = job, job.group, 0.0, time.monotonic()
        self.call = self._actor.begin.remote(job.argument, parcel, filled)

    def go_on(self, share: float) -> None:
        """Ask what came of the job. share: of it that is done."""
        self.share = share
        self.call = self._actor.go_on.remote()

    def running(self, job: Job) -> RunningJob:
        """What is told of the job."""
        return RunningJob(job, time.monotonic() - self._start_s, self.computer.name, self.share)

    def close(self) -> Any:
        """Let it end its process; returns the call that brings what the folder of an unfinished job contains."""
        return self._actor.close.remote()

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(RayError, ConnectionError, ValueError):  # it has ended already
            ray.kill(self._actor)


def differences(greeting: Greeting, needs: Needs, ours: dict[str, str]) -> list[str]:
    """What a computer lacks, for the user. ours: our versions."""
    versions = [
        f"{package} {greeting.versions.get(package) or 'not at all'}, not {version}"
        for package, version in ours.items()
        if greeting.versions.get(package) != version
    ]
    files = [
        f"{path} {'with another content' if theirs else 'not at all'}"
        for path, sha256 in needs.files.items()
        if (theirs := greeting.hashes.get(path, "")) != sha256
    ]
    return versions + files
