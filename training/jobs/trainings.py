"""Trainings as jobs: each has a run folder, from whose checkpoint it goes on wherever it is done again."""

from __future__ import annotations

import argparse
import contextlib
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from inference.devices import nvidia_gpu
from models.whole_files import sha256
from training.jobs.jobs import Job, JobOutcome, Needs
from training.jobs.process import ProcessLimits, WorkerSettings
from training.jobs.runner import JobRunner, add_worker_options

LIBRARIES = ("numpy", "pillow", "keras")
TOKEN = "shared-by-all"


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add `--workers`, `--ray` and `--shared`."""
    add_worker_options(parser, 1, "train")
    parser.add_argument(
        "--shared", action="store_true",
        help="with --ray: the output folder lies under the same path on all computers, so that a training whose"
        " computer died goes on from its last epoch",
    )  # fmt: skip


def check_training_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit for options of `add_training_options` that do not fit together, or this computer."""
    if options.shared and not options.ray:
        parser.error("--shared says where a cluster's trainings lie; give --ray, too, or leave it out")
    if options.workers > 1 and not options.ray and nvidia_gpu():
        parser.error("--workers would let several processes use one GPU; leave it out, or let --ray auto share")


def are_jobs(options: argparse.Namespace) -> bool:
    """Whether the options of `add_training_options` ask for jobs, and not for one process."""
    return options.workers > 1 or bool(options.ray)


def trained(
    options: argparse.Namespace,
    jobs: Sequence[Job],
    function: str,
    library: str,
    files: Mapping[str, str],
    folder: Path,
) -> Iterator[JobOutcome]:
    """Do trainings, and yield each outcome. Raises ClusterError.

    options: those of `add_training_options`; with --ray this process has joined the cluster. function: as of
    WorkerSettings. library: whose version all computers must have. files: as of Needs. folder: in which the run
    folders lie.
    """
    runner = JobRunner(options.workers, bool(options.ray), shares_folders=options.shared)
    cores = runner.cores_each(len(jobs))
    settings = WorkerSettings(function, math.inf, ProcessLimits(), thread_variables(cores))
    with _token(folder if options.shared else None) as token:
        needs = Needs((*LIBRARIES, library), {**files, **token}, cores, gpus=True)
        for outcome in runner.outcomes("training", jobs, settings, needs):
            if outcome.failure:
                tqdm.write(f"{outcome.job.title}: {outcome.failure}")
            yield outcome


def thread_variables(cores: int) -> dict[str, str]:
    """The variables that keep the libraries of a process to so many cores."""
    return dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NPROC"), str(cores))


@contextlib.contextmanager
def _token(folder: Path | None) -> Iterator[dict[str, str]]:
    """A file with its hash, which a computer has only if it sees this folder under the same path; None for no file."""
    if folder is None:
        yield {}
        return
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.resolve() / TOKEN
    file.write_text(uuid.uuid4().hex, encoding="ascii")
    try:
        yield {str(file): sha256(file)}
    finally:
        file.unlink(missing_ok=True)
