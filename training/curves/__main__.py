"""Train the networks of a curve with several seeds, and write its table and picture.

python -m training.curves size ~/recordings --udacity ~/self-driving-car-sim --seeds 5
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.command_line import command_parser, run
from simulator.unity.checkout import add_checkout_option, checkout_folder
from training.run.backend import choose_backend

HELP = """Train the networks of a curve with several seeds, and write its table and picture.

size: how small may a network be that drives all tracks? EffNet's and plain networks of several sizes.
expert: which share of what it learns should be the built-in expert's, and which people's?

examples:
  python -m training.curves size ~/recordings --udacity ~/self-driving-car-sim --seeds 5
  python -m training.curves size ~/recordings --udacity ~/self-driving-car-sim --only eff-tiny eff-mini
  python -m training.curves expert ~/recordings --udacity ~/self-driving-car-sim

The folder holds the recordings that docs/recordings.md lists. Each training takes 10 to 30 minutes on one core. The
same command resumes, and the table holds all trainings that are finished. Two commands with different --only train at
the same time.

exit code: 0 the curve is written; 2 the input was bad; 130 interrupted, with every finished training kept."""

AXES = {"size": "parameters", "expert": "the expert's share of an epoch"}
MAX_SEEDS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing and write the curve; returns the exit code."""
    stop_message = "stopped; finished trainings are kept, and the same command resumes"
    return run(lambda: _draw(_parse(arguments)), "curves", (OSError, ValueError, RuntimeError), stop_message)


def _draw(options: argparse.Namespace) -> int:
    checkout_folder()
    choose_backend()
    from training.curves.plans import PLANS  # noqa: PLC0415 - --help must not wait for Keras
    from training.curves.trainings import rows, train_missing  # noqa: PLC0415
    from training.shipped.data import shipped_data  # noqa: PLC0415

    plan = PLANS[options.curve]
    names = [point.name for point in plan]
    if unknown := [name for name in options.only if name not in names]:
        raise ValueError(f"no {', '.join(unknown)} on the curve {options.curve}; it has {', '.join(names)}")
    points = [point for point in plan if point.name in options.only or not options.only]
    train_missing(points, options.seeds, shipped_data(options.recordings, options.runs), options.runs)
    from training.curves.report import write  # noqa: PLC0415

    out = options.out / options.curve
    out.mkdir(parents=True, exist_ok=True)
    print(write(rows(plan, options.runs), AXES[options.curve], out))
    print(f"wrote curve.md, curve.json and curve.png in {out}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.curves", HELP)
    parser.add_argument("curve", choices=AXES, help="which curve")
    parser.add_argument("recordings", type=Path, metavar="FOLDER", help="where the recordings are")
    add_checkout_option(parser)
    parser.add_argument("--seeds", type=int, default=1, help=f"trainings of each, 1 to {MAX_SEEDS} (%(default)s)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="train only these; all are in the table")
    parser.add_argument("--runs", type=Path, default=Path("runs/shipped"), help="folder of all runs (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/curves"), help="folder of the curves (%(default)s)")
    options = parser.parse_args(arguments)
    if not 1 <= options.seeds <= MAX_SEEDS:
        parser.error(f"expected --seeds 1 to {MAX_SEEDS}, got {options.seeds}")
    return options


if __name__ == "__main__":
    sys.exit(main())
