"""Measure what the leaderboard's pool costs: its time against that of the same drives in a plain loop.

Many copies of one model drive; each counts as a model of its own. The plain loop's processor time, divided by the
workers, is the least time that they could take.

python -m benchmarks.leaderboard
python -m benchmarks.leaderboard --models 60 --tracks lake mountain random:201-202 --laps 1
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import run_benchmark
from protocol.command_line import command_parser, positive, whole
from training.evaluate import drive
from training.leaderboard.drives import Workshop
from training.leaderboard.rules import BoardRules, expanded
from training.leaderboard.run import BoardRun, SubmittedModel
from training.leaderboard.store import DriveStore
from training.leaderboard.submissions import take_in

MODEL = Path("models/eff-small.tflite")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.leaderboard", __doc__)
    parser.add_argument("--model", type=Path, default=MODEL, help="the file of all models (default %(default)s)")
    parser.add_argument("--models", type=whole(1, 300), default=6, help="how many (default %(default)s)")
    parser.add_argument("--tracks", nargs="+", default=["lake", "mountain"], help="(default lake mountain)")
    parser.add_argument("--laps", type=positive, default=0.1, help="of each drive (default %(default)g)")
    parser.add_argument("--workers", type=whole(1, 512), default=2, help="processes of the pool (default %(default)s)")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> None:
    """Drive in a plain loop, then in a pool, and print both times."""
    rules = BoardRules(tracks=expanded(options.tracks), laps=options.laps)
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder) / "submissions"
        for number in range(options.models):
            copy = submissions / f"model-{number}"
            copy.mkdir(parents=True)
            shutil.copy(options.model, copy)
            (copy / "number.json").write_text(str(number), encoding="utf-8")
        with DriveStore(Path(folder) / "board") as store:
            work = BoardRun(rules, store, options.workers)
            models, refusals = work.open(take_in([submissions], store.models, int(rules.limits.file_mb * 1e6)))
            if refusals:
                raise ValueError(refusals[0].refusal)
            bare_s, metres = bare(rules, models)
            start_s, before_s = time.perf_counter(), _children_s()
            work.drive(models)
            pool_s, children_s = time.perf_counter() - start_s, _children_s() - before_s
    least_s = bare_s / options.workers
    drives = len(models) * len(rules.tasks(""))
    print(f"{drives} drives of {len(models)} models, {metres / 1000:.1f} km")
    print(f"plain loop: {bare_s:.1f} s of processor time, {least_s:.1f} s for each of {options.workers} workers")
    print(f"pool of {options.workers}: {pool_s:.1f} s by the clock, {pool_s / least_s:.2f} times that")
    if children_s:
        print(f"its processes: {children_s:.1f} s of processor time, {children_s / bare_s:.2f} times the plain loop's")


def bare(rules: BoardRules, models: Sequence[SubmittedModel]) -> tuple[float, float]:
    """Seconds of processor time of all drives, one after another with scenes and models open, and their metres."""
    workshop = Workshop()
    total_s = metres = 0.0
    for tasks in zip(*(one.tasks(rules) for one in models), strict=True):
        for one, task in zip(models, tasks, strict=True):
            world, engine = workshop.world(task), workshop.engine(str(one.file))
            start_s = time.process_time()
            drive(engine, world, task.speed_mph)
            total_s += time.process_time() - start_s
            metres += world.log.distance_m
    return total_s, metres


def _children_s() -> float:
    """Processor time of this process's ended children; 0 where the system does not tell."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
