"""Search for a better recipe: many trials learn and drive, the worse half stops early, and the best recipe is kept."""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from inference.devices import available_cores
from protocol.command_line import command_parser, number, run, whole
from training.jobs.ray_cluster import ClusterError, cluster_address, ray_cluster
from training.run.backend import choose_backend
from training.run.precision import add_precision

if TYPE_CHECKING:
    from training.run.run import TrainingSettings
    from training.search.plan import PlannedTrial
    from training.search.results import TrialResult
    from training.search.space import Space

HELP = """Search for a better recipe by Ray Tune: trials train with different values, and the worse half stops early.

examples:
  python -m training.search space.toml --recordings lake udacity --lap-m 1137 --out search
  python -m training.search space.toml --recordings lake --also expert --trials 32 --workers 4
  python -m training.search space.toml --recordings lake --ray 192.168.1.20:6379
  python -m training lake udacity --recipe search/best.toml

A space file is a recipe file with a table [search] of lists and ranges; docs/search.md has an example and the score.
The folder --out gets best.toml, best.json, scores.png and values.png, and keeps the trials in trials/. If you stop the
command, it goes on where it was. With more --trials, the same command adds trials to those that are finished.

exit code: 0 success; 1 some trials failed; 2 bad input; 130 stopped by Ctrl-C."""

STOPPED = "stopped; finished epochs are kept, and the same command goes on"


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan, train, judge and write; returns the exit code."""
    return run(lambda: _search(_parse(arguments)), "search", (OSError, ValueError, RuntimeError), STOPPED)


def _search(options: argparse.Namespace) -> int:
    from training.search.space import read_space  # noqa: PLC0415 - --help must not wait for numpy

    space = read_space(options.space)
    _require_tune()
    choose_backend()
    from training.search.plan import plan_trials  # noqa: PLC0415 - an error in the space must not wait for Keras

    base = _base_settings(space, options)
    plans = plan_trials(space, options.trials, base, options.out.absolute() / "trials")
    epoch_images = _epoch_images(base)
    options.out.mkdir(parents=True, exist_ok=True)
    with _lock(options.out):
        crops = options.out.absolute() / "crops"
        with ray_cluster(options.ray, options.workers):
            from training.search.tuning import tune_trials  # noqa: PLC0415 - it imports Ray

            tune_trials(plans, epoch_images, crops, max(1, available_cores() // options.workers), options.out / "tune")
        shutil.rmtree(crops, ignore_errors=True)  # Windows keeps a file that is still mapped
        return _report(space, plans, base, options)


def _require_tune() -> None:
    try:
        import ray.tune  # noqa: F401, PLC0415
    except ImportError:
        raise ClusterError("a search needs Ray Tune: pip install -r requirements-search.txt") from None


def _base_settings(space: Space, options: argparse.Namespace) -> TrainingSettings:
    from training.run.run import TrainingSettings  # noqa: PLC0415

    recordings, also = (
        tuple(str(folder.resolve()) for folder in group) for group in (options.recordings, options.also)
    )
    model = space.start.network
    recipe = space.start.recipe(model)
    return TrainingSettings(model, recordings, options.seed, options.lap_m, options.precision, recipe, also)


def _epoch_images(base: TrainingSettings) -> int:
    """How many images an epoch of the space's start learns. Raises RecordingError, RunError for bad recordings."""
    from training.data.samples import draw_epoch  # noqa: PLC0415
    from training.run.rows import open_recordings  # noqa: PLC0415

    drives, _ = open_recordings(base)
    return len(draw_epoch(drives, base.recipe, base.seed, 0)[0])


def _report(space: Space, plans: Sequence[PlannedTrial], base: TrainingSettings, options: argparse.Namespace) -> int:
    from training.search.plots import draw_scores, draw_values  # noqa: PLC0415
    from training.search.results import ranked, table, write_best, write_card  # noqa: PLC0415

    results = ranked(plans)
    failures = {plan.number: plan.failure() for plan in plans if plan.failure()}
    if not results:
        raise ClusterError(f"no trial has a score: {next(iter(failures.values()), 'all processes died')}")
    best = write_best(space, results, options.out)
    write_card(space, plans, results, _data(base), best.with_suffix(".json"))
    draw_scores(results, options.out / "scores.png")
    draw_values(space, results, options.out / "values.png")
    print(f"\n{table(results)}\n\nwrote best.toml, best.json, scores.png and values.png in {options.out}")
    _print_next(results, best, options)
    return 1 if failures else 0


def _data(base: TrainingSettings) -> dict[str, Any]:
    names = {key: [Path(name).name for name in getattr(base, key)] for key in ("recordings", "also")}
    judged = [list(trial) for trial in base.recipe.trials]
    return {
        **names,
        "lap_m": base.lap_m,
        "seed": base.seed,
        "precision": base.precision,
        "judged_by": judged,
        "start": asdict(base.recipe),
        "ray": version("ray"),
    }


def _print_next(results: Sequence[TrialResult], best: Path, options: argparse.Namespace) -> None:
    from training.run.model_out import shell_line  # noqa: PLC0415

    words = ["python", "-m", "training", *map(str, options.recordings)]
    words += ["--also", *map(str, options.also)] if options.also else []
    words += ["--lap-m", f"{options.lap_m:g}"] if options.lap_m else []
    seeds = [result.plan.settings["seed"] for result in results]
    words += ["--recipe", str(best), "--seed", str(max(seeds) + 1)]
    print(f"one seed proves little; train the best with another:\n  {shell_line(words)}")


def _lock(folder: Path) -> FileLock:
    """Keep other searches out of the folder. Raises ClusterError where one is running."""
    lock = FileLock(folder / "search.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ClusterError(f"{folder} is in use by another search; wait until it ends, or name another --out") from None
    return lock


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.search", HELP)
    parser.add_argument("space", type=Path, metavar="SPACE.toml", help="what to search, and what all trials have")
    parser.add_argument(
        "--recordings", type=Path, nargs="+", required=True, metavar="RECORDING", help="recordings to learn from"
    )
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="RECORDING",
        help="also learn from these recordings, of which nothing is held out",
    )  # fmt: skip
    parser.add_argument("--lap-m", type=number(100, 100_000), help="length of the recordings' common lap, in metres")
    parser.add_argument("--out", type=Path, default=Path("search"), help="output folder (default %(default)s)")
    parser.add_argument("--trials", type=whole(2, 10_000), default=16, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--seed", type=whole(0, 2**30), default=1, help="seed of the first trial and of the draw (1)")
    parser.add_argument(
        "--workers", type=whole(1, 512, "the number of workers"), default=available_cores(), metavar="N",
        help="trials at once on this computer (default: one for each core, %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--ray", type=cluster_address, default="auto", metavar="ADDRESS",
        help="the Ray cluster: auto, HOST:PORT or ray://HOST:PORT (default auto, see docs/cluster.md)",
    )  # fmt: skip
    add_precision(parser)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
