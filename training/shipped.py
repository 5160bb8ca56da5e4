"""How the models in models/ were made, from real recordings on: the expert's drives, then each training.

Everything is seeded and everything resumes: what is recorded or trained already is kept, so the same command goes on
after a kill.

    python -m training.shipped LAKE-RECORDING UDACITY-SAMPLE OTHERS... --test STRANGERS...
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.command_line import command_parser
from simulator import record
from training.__main__ import main as train_main

MODELS = ("eff", "baseline", "eff-small")
LAP_M = "1135"
EPOCHS = "3"
"""Before the last ones, for the recipe's 8: eleven drivers' road is five times as much as two drivers'."""

EXPERT_DRIVES = {
    "lake-15": "--track lake --speed 15 --seed 1",
    "lake-back-15": "--track lake --speed 15 --seed 2 --reverse",
    "mountain-13": "--track mountain --speed 13 --seed 4",
    "random-101": "--track random:101 --speed 15 --seed 6",
    "random-102": "--track random:102 --speed 15 --seed 7 --reverse",
}
"""Learned whole, a lap each."""

TEST_DRIVES = {
    "test-lake": "--track lake --speed 15 --seed 21",
    "test-lake-back": "--track lake --speed 15 --seed 22 --reverse",
    "test-random": "--track random:301 --speed 15 --seed 23",
}
"""Held out whole: the same lake from other starts with other pushes, and a road that nobody learned."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, train, each where it is missing; the process's exit code, as `python -m training` has it."""
    options = _parse(arguments)
    drives = {name: options.runs / "expert" / name for name in (*EXPERT_DRIVES, *TEST_DRIVES)}
    for name, words in {**EXPERT_DRIVES, **TEST_DRIVES}.items():
        if not drives[name].exists() and (code := record.main([str(drives[name]), "--laps", "1", *words.split()])):
            return code
    also, tests = ([str(drives[name]) for name in group] for group in (EXPERT_DRIVES, TEST_DRIVES))
    for model in options.models:
        asked = [*map(str, options.recordings), "--model", model, "--lap-m", LAP_M, "--epochs", EPOCHS, "--also", *also]
        asked += ["--test", *tests, *map(str, options.test), "--dagger", "1"]
        asked += ["--run", str(options.runs / model), "--out", str(options.out / f"{model}.h5")]
        if code := train_main(asked):
            return code
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.shipped", __doc__)
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="drivers on Udacity's lake")
    parser.add_argument("--test", nargs="*", type=Path, default=[], metavar="RECORDING", help="others, to report on")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help=f"({' '.join(MODELS)})")
    parser.add_argument("--runs", type=Path, default=Path("runs/shipped"), help="folder of all runs (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of the models (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
