"""The command line of training reads recordings and writes a model file and its card.

python -m training --model eff RECORDING... --lap-m 1137
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models import NETWORK_NAMES
from protocol.command_line import command_parser, number, output_file, run, whole
from training.recipe_file import RECIPES, RecipeFile, network_option, recipe_option
from training.run.backend import choose_backend
from training.run.precision import add_precision

if TYPE_CHECKING:
    from models.card import Card
    from training.run.run import TrainingSettings

HELP = """Train a steering model from recordings of the Udacity simulator.

examples:
  python -m training ~/recordings/lake --quick
  python -m training --model eff ~/recordings/lake
  python -m training --model eff lake udacity --lap-m 1137 --out my-eff.h5
  python -m training --model baseline lake --epochs 5 --seed 7 --run runs/trial
  python -m training --model eff lake udacity --lap-m 1137 --also sim/lake sim/mountain --test friend --dagger 1
  python -m training --model eff lake udacity --recipe study --test friend
  python -m training lake udacity --recipe search/best.toml
  python -m training --model eff lake --preview seen.png

--quick trains eff-tiny in a few minutes. It is the default where neither --model nor --recipe is named and the
recordings have fewer than 10,000 rows; otherwise the default is eff by the recipe `ours`.

The same command resumes a run that was interrupted or killed. The run's folder holds its settings, per-epoch figures
(epochs.csv), curves.png, TensorBoard events, the last checkpoints, and a page, index.html, that shows the run while it
goes on.

It trains on an NVIDIA GPU that JAX, TensorFlow or PyTorch can use, and else on the processor; KERAS_BACKEND=jax, torch
or tensorflow names the library. Images are decoded once, into the run's folder, and deleted there in the end.

exit code: 0 the model is written; 2 the input was bad; 130 interrupted.
"""

LITTLE_ROWS = 10_000
"""Fewer rows than this, a quarter of an hour of driving, are little data: a quick training sees each one often."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, train and report; returns the exit code: 0 for success, 2 for bad input, 130 for Ctrl-C."""
    stop_message = "stopped; the same command goes on from the last finished epoch"
    return run(lambda: _train_or_preview(parse(arguments)), "error", stopped=stop_message)


def _train_or_preview(options: argparse.Namespace) -> None:
    choose_backend()
    if options.out:
        _check_out(options)
    settings = training_settings(options)
    if options.preview:
        _preview(settings, options.preview)
        return
    folder = options.run or Path("runs") / settings.name()
    out = options.out or folder / f"{settings.model}.h5"
    announce(folder)
    from training.run.train import train  # noqa: PLC0415 - --help must not wait for Keras

    report(train(settings, folder, out), out, folder)


def training_settings(options: argparse.Namespace) -> TrainingSettings:
    """Return the settings that parsed options mean."""
    from training.run.run import TrainingSettings  # noqa: PLC0415 - --help must not wait for Keras

    file = options.recipe or RecipeFile(None, "ours" if options.model else _default_recipe(options.recordings), {})
    model = options.model or file.network
    recipe = file.recipe(model)
    recipe = replace(recipe, epochs=options.epochs or recipe.epochs)
    if options.no_drive:
        recipe = replace(recipe, driven_checkpoints=0)
    recordings = tuple(str(folder.resolve()) for folder in options.recordings)
    also, tests = (tuple(str(folder.resolve()) for folder in group) for group in (options.also, options.test))
    return TrainingSettings(
        model,
        recordings,
        options.seed,
        options.lap_m,
        options.precision,
        recipe,
        also,
        tests,
        options.dagger,
    )


def announce(folder: Path) -> None:
    """Print where a run's folder and page are."""
    print(f"run folder: {folder}")
    print(f"watch it at {(folder / 'index.html').absolute().as_uri()}")


def _check_out(options: argparse.Namespace) -> None:
    from training.run.model_out import check_out  # noqa: PLC0415

    check_out(options.out, [*options.recordings, *options.also, *options.test], options.force)


def _default_recipe(recordings: Sequence[Path]) -> str:
    """Return the name of the recipe for these recordings: `quick` where they have few rows."""
    from protocol.errors import RecordingError  # noqa: PLC0415
    from protocol.recording import read_recording  # noqa: PLC0415

    rows = 0
    with contextlib.suppress(RecordingError, OSError):  # training names the error
        for folder in recordings:
            rows += len(read_recording(folder).samples)
            if rows >= LITTLE_ROWS:
                return "ours"
        print(f"{rows:,} rows are little data, so this is a quick training; --model eff trains the larger network")
        return "quick"
    return "ours"


def report(card: Card, out: Path, folder: Path) -> None:
    """Print a finished training's figures, and what to do next. out: the model file; folder: the run's."""
    from training.run.model_out import next_commands  # noqa: PLC0415 - --help must not wait

    _print_figures(card.metrics)
    for trial, figures in card.driving.items():
        interventions, offset_m = figures["off_road_events"], figures["mean_cte_m"]
        print(f"{trial}: {interventions:.0f} interventions, mean lateral offset {offset_m:.2f} m")
    print(f"wrote {out} and {out.with_suffix('.json')}\n\nwhat to do next:")
    for purpose, command in next_commands(out, folder):
        print(f"  {purpose}\n    {command}")


def _preview(settings: TrainingSettings, out: Path) -> None:
    """Draw what training would show the model, without training it."""
    from training.data.samples import load_drives  # noqa: PLC0415
    from training.preview import preview  # noqa: PLC0415

    drives = load_drives([Path(name) for name in settings.recordings], settings.recipe, settings.lap_m, settings.seed)
    preview(settings, drives, out)
    print(f"wrote {out}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line; it exits for a wrong one."""
    parser = command_parser("python -m training", HELP)
    titles = ("recordings", "network and learning", "driving", "files")
    data, learning, driving, files = (parser.add_argument_group(title) for title in titles)
    data.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="folder with driving_log.csv, IMG/")
    learning.add_argument(
        "--model", type=network_option, metavar="NAME",
        help=f"network to train: {NETWORK_NAMES} (the recipe file's; else eff, or eff-tiny by the recipe quick)",
    )  # fmt: skip
    recipes = learning.add_mutually_exclusive_group()
    recipe_help = f"hyperparameters: {', '.join(RECIPES)} or FILE.toml (ours)"
    recipes.add_argument("--recipe", type=recipe_option, metavar="NAME", help=recipe_help)
    recipes.add_argument(
        "--quick",
        action="store_const",
        const=recipe_option("quick"),
        dest="recipe",
        help="a model that drives in minutes: --recipe quick",
    )
    files.add_argument("--out", type=Path, help="model file to write (RUN/MODEL.h5); its card is written beside it")
    files.add_argument("--force", action="store_true", help="replace a model that was made from other recordings")
    files.add_argument("--run", type=Path, help="run folder (runs/MODEL-xxxxxxxx, named by its settings)")
    data.add_argument(
        "--also",
        nargs="+",
        type=Path,
        default=[],
        metavar="RECORDING",
        help="also train on these recordings, of which nothing is held out",
    )
    data.add_argument(
        "--test",
        nargs="+",
        type=Path,
        default=[],
        metavar="RECORDING",
        help="hold these recordings out whole and report the error on them",
    )
    driving.add_argument(
        "--dagger",
        type=whole(0, 20),
        default=0,
        metavar="N",
        help="rounds in which the model drives the built-in tracks, an expert corrects it, and it learns from this (0)",
    )
    driving.add_argument(
        "--no-drive",
        action="store_true",
        help="keep the last checkpoint; else the last ones drive and the best driver is kept",
    )
    files.add_argument(
        "--preview",
        type=output_file,
        metavar="FILE.png",
        help="draw what the model would be shown; train nothing",
    )
    learning.add_argument(
        "--epochs", type=whole(1, 10_000), help="passes over the data before the refit (the recipe's)"
    )
    learning.add_argument("--seed", type=whole(0, 2**31 - 1), default=1, help="seed of all random choices (1)")
    data.add_argument(
        "--lap-m",
        type=number(100, 100_000),
        help="length of the lap that all recordings drive, in metres (the lake: 1137); the same stretches of road are"
        " then held out on every lap; without it, blocks of time are held out",
    )
    add_precision(learning)
    options = parser.parse_args(arguments)
    if options.recipe and options.recipe.base == "study" and (options.lap_m or options.dagger):
        parser.error("--recipe study splits rows at random and ends with that; leave --lap-m and --dagger out")
    return options


def _print_figures(metrics: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print the held-out figures; `MAE 0` and `RMSE 0` are the errors of always answering 0."""
    print(f"{'held out':<44} {'rows':>6} {'MAE':>7} {'MAE 0':>7} {'RMSE':>7} {'RMSE 0':>7} {'corr.':>6} {'bias':>8}")
    for name, figures in metrics.items():
        values = {key: float("nan") if value is None else value for key, value in figures.items()}
        print(
            f"{name:<44} {values['rows']:6.0f} {values['mae']:7.4f} {values['zero_mae']:7.4f} {values['rmse']:7.4f}"
            f" {values['zero_rmse']:7.4f} {values['correlation']:6.3f} {values['bias']:+8.4f}"
        )


if __name__ == "__main__":
    sys.exit(main())
