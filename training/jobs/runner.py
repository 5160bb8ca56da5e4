"""Who does a command's jobs: the processes of this computer, or a Ray cluster. All commands have the same options."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from inference.devices import available_cores
from protocol.command_line import whole
from training.jobs.jobs import NO_NEEDS, Job, JobOutcome, Needs, RunningJob
from training.jobs.pool import WorkerPool
from training.jobs.process import WorkerSettings
from training.jobs.ray_cluster import cluster_address, ray_cluster

if TYPE_CHECKING:
    from training.jobs.ray_pool import RayPool

PLACES = ("STEERING_CACHE", "KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR", "TEMP")
"""Where this project and its libraries write what they keep: on a cluster, into a folder of each process."""

LIBRARIES = ("numpy", "ai-edge-litert", "tensorflow", "keras", "panda3d")
"""A drive depends on their versions."""

MOST_WORKERS = 512
SLOW_S = 20
"""A job that runs for longer is named beside the progress bar, in steps of this."""

BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.4g}/{total} [{elapsed}<{remaining}{postfix}]"


def add_worker_options(parser: argparse.ArgumentParser, default: int, what: str) -> None:
    """Add `--workers N` and `--ray ADDRESS`. what: what is done by them, for the user."""
    parser.add_argument(
        "--workers", type=whole(1, MOST_WORKERS, "the number of workers"), default=default, metavar="N",
        help=f"processes that {what} (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--ray", type=cluster_address, metavar="ADDRESS",
        help=f"let a Ray cluster {what}: auto, HOST:PORT or ray://HOST:PORT (docs/cluster.md)",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobRunner:
    """workers: processes of this computer; on_cluster: whether the Ray cluster that this process has joined works.

    cache: where the processes of this computer keep what this project and its libraries keep; None: where they always
    do. shares_folders: as of RayPool. hardware: gets that of the cluster's computers, by their names.
    """

    workers: int
    on_cluster: bool = False
    cache: Path | None = None
    shares_folders: bool = False
    hardware: dict[str, str] = field(default_factory=dict)

    def outcomes(
        self, title: str, jobs: Sequence[Job], settings: WorkerSettings, needs: Needs = NO_NEEDS, alone: bool = False
    ) -> Iterator[JobOutcome]:
        """Do jobs, with a progress bar that `title` names. Raises ClusterError.

        alone: each job has a fresh process, which is always one of this computer.
        """
        if not jobs:
            return
        with tqdm(total=len(jobs), desc=title, bar_format=BAR, dynamic_ncols=True) as bar:
            done_count = 0

            def report(running: Sequence[RunningJob]) -> None:
                text, number = running_text(running), round(done_count + sum(one.share for one in running), 2)
                if (text, number) != (bar.postfix, bar.n):
                    bar.n = number
                    bar.set_postfix_str(text)

            pool = self._pool(settings, needs, alone, report, bar.write)
            for outcome in pool.run(jobs):
                yield outcome
                done_count += 1  # only now has the caller kept it
                bar.n = max(bar.n, done_count)
                bar.refresh()

    def cores_each(self, jobs: int) -> int:
        """How many cores each of so many jobs gets, if each of them can use several."""
        if not self.on_cluster:
            return max(1, available_cores() // min(self.workers, jobs))
        from training.jobs.ray_actor import living_computers  # noqa: PLC0415 - it needs Ray

        computers = living_computers().values()
        cores = [one.cores for one in computers if one.cores]
        at_once = min(jobs, sum(one.gpus for one in computers) or jobs)
        return max(1, min([sum(cores) // at_once, *cores]))

    def _pool(
        self,
        settings: WorkerSettings,
        needs: Needs,
        alone: bool,
        report: Callable[[Sequence[RunningJob]], None],
        notice: Callable[[str], None],
    ) -> WorkerPool | RayPool:
        if self.on_cluster and not alone:
            from training.jobs.ray_pool import RayPool  # noqa: PLC0415 - it needs Ray

            return RayPool(settings, PLACES, needs, self.shares_folders, report, notice, self.hardware)
        own = dict.fromkeys(PLACES, str(self.cache.resolve())) if self.cache else {}
        settings = settings._replace(environment=settings.environment | own)
        return WorkerPool(settings, self.workers, alone, report)


@contextlib.contextmanager
def joined_cluster(options: argparse.Namespace) -> Iterator[None]:
    """Let the block use the cluster that the options of `add_worker_options` name, if any. Raises ClusterError."""
    with ray_cluster(options.ray, options.workers) if options.ray else contextlib.nullcontext():
        yield


def running_text(running: Sequence[RunningJob]) -> str:
    """How many processes work, and on what the slowest has been working for long."""
    if not running:
        return "no workers yet"
    slowest = max(running, key=lambda one: one.seconds)
    text = f"{len(running)} worker{'s'[: len(running) != 1]}"
    if computers := Counter(one.computer for one in running if one.computer):
        text = f"{text} ({', '.join(f'{name} {count}' for name, count in sorted(computers.items()))})"
    seconds = int(slowest.seconds / SLOW_S) * SLOW_S
    return f"{text}, {slowest.job.title} for {seconds} s" if seconds else text
