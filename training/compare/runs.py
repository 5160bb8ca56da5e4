"""The comparison trains each network with each seed, each in a run folder that can be resumed.

The trainings run in processes of their own, because the comparison itself needs TensorFlow, and a GPU may train on JAX:
in one, where the seeds of a network share a GPU, or each in a job of a pool.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from models.card import CardError, describes, read_card
from protocol.command_line import BAD_INPUT, INTERRUPTED, run
from protocol.start import begin_command
from training.data.recording_hashes import recording_hashes
from training.jobs.jobs import Job
from training.jobs.trainings import are_jobs, trained

CROPS = "crops"

STOPPING_S = 30.0
"""A training gets so long to end after Ctrl-C, which also reaches its process."""


class TrainingFailedError(RuntimeError):
    """A training ended early and has printed why. code: its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a training ended with exit code {code}")
        self.code = code


class _Command(NamedTuple):
    """The arguments of `python -m training` for one run, its folder, and the model file to write."""

    arguments: list[str]
    folder: Path
    out: Path

    @property
    def is_finished(self) -> bool:
        """Whether the folder holds a finished model of the same command."""
        try:
            same = self.note.read_text(encoding="utf-8") == "\n".join(self.arguments)
            return same and describes(read_card(self.out), self.out)
        except (CardError, OSError):
            return False

    @property
    def note(self) -> Path:
        """The file that says which command made the model."""
        return self.folder / "asked.txt"


def train_all(options: argparse.Namespace, library: str | None) -> dict[str, list[Path]]:
    """Train each network of `options.train` with each seed; returns the model files by network.

    Finished models are not trained again. library: the backend of Keras to train on, None for what suits the machine.
    Raises TrainingFailedError.
    """
    commands = {
        name: [_command(name, seed, options) for seed in range(1, options.seeds + 1)]
        for name in dict.fromkeys(options.train)
    }
    missing = [command for group in commands.values() for command in group if not command.is_finished]
    if missing and are_jobs(options):
        _train_by_jobs(missing, options, library)
    elif missing:
        _train_in_a_process(missing, options.out / "runs" / CROPS, library)
    return {name: [command.out for command in group] for name, group in commands.items()}


def _command(name: str, seed: int, options: argparse.Namespace) -> _Command:
    """Return the command of one run; --no-drive, because the tracks that judge must not choose."""
    arguments = [*(str(recording.resolve()) for recording in options.on), "--model", name, "--seed", str(seed)]
    arguments += ["--precision", options.precision, "--no-drive"]
    for option, value in (("--epochs", options.epochs), ("--lap-m", options.lap_m)):
        arguments += [option, str(value)] if value is not None else []
    folder = options.out / "runs" / f"{name}-seed{seed}"
    return _Command(arguments, folder, folder / f"{name}.h5")


def _train_by_jobs(commands: Sequence[_Command], options: argparse.Namespace, library: str | None) -> None:
    """Train each run by a job of its own. One that fails is told, and the others go on."""
    from training.__main__ import announce, report  # noqa: PLC0415 - Ctrl-C comes first

    crops = options.out / "runs" / CROPS
    by_key = {command.folder.name: command for command in commands}
    jobs = []
    for key, command in by_key.items():
        argument = {
            "arguments": command.arguments,
            "name": command.out.name,
            "library": library,
            "crops": None if options.ray else str(crops.resolve()),
            "home": str(command.folder),
        }
        jobs.append(Job(key, argument, key, folder=command.folder))
        if options.shared or not options.ray:
            announce(command.folder)
    failures = 0
    files = recording_hashes(options.on)
    function = "training.compare.train_job:train_job"
    for outcome in trained(options, jobs, function, library or "tensorflow", files, options.out / "runs"):
        command = by_key[outcome.job.key]
        if outcome.result is None:
            failures += 1
            continue
        command.note.write_text("\n".join(command.arguments), encoding="utf-8")
        with tqdm.external_write_mode():
            report(read_card(command.out), command.out, command.folder)
    if failures:
        raise TrainingFailedError(BAD_INPUT)
    shutil.rmtree(crops, ignore_errors=True)


def _train_in_a_process(commands: list[_Command], crops: Path, library: str | None) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(commands, crops, library))
    process.start()
    try:
        process.join()
    except KeyboardInterrupt:
        process.join(STOPPING_S)
        if process.exitcode != INTERRUPTED:
            raise
    finally:
        process.kill()
        process.join()
    if process.exitcode:
        raise TrainingFailedError(process.exitcode)


def _main(commands: list[_Command], crops: Path, library: str | None) -> None:
    """The process of the trainings; it ends with the exit code of a command."""
    begin_command()
    os.environ.pop("KERAS_BACKEND", None)
    if library:
        os.environ["KERAS_BACKEND"] = library
    stop_message = "stopped; finished trainings are kept, and the same command resumes"
    sys.exit(run(lambda: _train(commands, crops), "error", stopped=stop_message))


def _train(commands: list[_Command], crops: Path) -> None:
    """Train the runs, and delete the decoded images when all are finished."""
    from training.__main__ import announce, parse, report, training_settings  # noqa: PLC0415 - Ctrl-C comes first
    from training.run.backend import choose_backend  # noqa: PLC0415

    choose_backend()
    from training.compare.seeds import PlannedRun, train_all  # noqa: PLC0415 - the backend is chosen first

    by_run = {PlannedRun(training_settings(parse(c.arguments)), c.folder, c.out): c for c in commands}
    for command in commands:
        announce(command.folder)
    for finished, card in train_all(list(by_run), crops):
        by_run[finished].note.write_text("\n".join(by_run[finished].arguments), encoding="utf-8")
        report(card, finished.out, finished.folder)
    shutil.rmtree(crops, ignore_errors=True)  # Windows keeps a file that is still mapped
