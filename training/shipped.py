"""Make the models in models/: record the expert's drives, train on them and on real recordings, convert to .tflite.

Everything is seeded, and finished drives and epochs are kept, so the same command resumes a build that was killed.

    python -m training.shipped LAKE-RECORDING UDACITY-SAMPLE OTHERS... --test STRANGERS...
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.command_line import command_parser, run
from simulator import record
from training.__main__ import main as train_main

MODELS = ("eff", "baseline", "eff-small")
LAP_M = "1135"
"""The lap's length by the recordings' speed and time, by which the shipped models' held-out road was chosen."""

EPOCHS = "3"
"""Fewer passes than the recipe's 8, because eleven drivers recorded five times as much road as two."""

EXPERT_DRIVES = {
    "lake-15": "--track lake --speed 15 --seed 1",
    "lake-back-15": "--track lake --speed 15 --seed 2 --reverse",
    "mountain-13": "--track mountain --speed 13 --seed 4",
    "random-101": "--track random:101 --speed 15 --seed 6",
    "random-102": "--track random:102 --speed 15 --seed 7 --reverse",
}
"""Training learns these drives whole, a lap each."""

TEST_DRIVES = {
    "test-lake": "--track lake --speed 15 --seed 21",
    "test-lake-back": "--track lake --speed 15 --seed 22 --reverse",
    "test-random": "--track random:301 --speed 15 --seed 23",
}
"""These drives are held out whole: the lake with other seeds, and a road that no model learned."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Record the missing drives, train each model, convert it; returns the exit code, as of `python -m training`."""
    return run(lambda: _record_and_train(_parse(arguments)), "shipped")


def _record_and_train(options: argparse.Namespace) -> int:
    drives = {name: options.runs / "expert" / name for name in (*EXPERT_DRIVES, *TEST_DRIVES)}
    for name, drive_options in {**EXPERT_DRIVES, **TEST_DRIVES}.items():
        if not drives[name].exists() and (code := _record(drives[name], drive_options)):
            return code
    also, tests = ([str(drives[name]) for name in group] for group in (EXPERT_DRIVES, TEST_DRIVES))
    for model in options.models:
        out = options.out / f"{model}.h5"
        command = [*map(str, options.recordings), "--model", model, "--lap-m", LAP_M, "--epochs", EPOCHS]
        command += ["--also", *also, "--test", *tests, *map(str, options.test), "--dagger", "1"]
        command += ["--run", str(options.runs / model), "--out", str(out)]
        command += ["--force"] if options.force else []
        if code := train_main(command) or convert(out, out.with_suffix(".tflite")):
            return code
    return 0


def convert(model: Path, out: Path) -> int:
    """Convert a model in a process of its own, because only TensorFlow converts, whatever trained; the exit code."""
    return subprocess.run([sys.executable, "-m", "models.convert", str(model), str(out)], check=False).returncode


def _record(drive: Path, options: str) -> int:
    """Record a lap, and give the folder its name only then, so that an interrupted drive never counts as finished."""
    unfinished = drive.with_name(f"{drive.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    code = record.main([str(unfinished), "--laps", "1", *options.split()])
    if code == 0:
        unfinished.rename(drive)
    return code


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.shipped", __doc__)
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="drivers on the lake to train on")
    parser.add_argument("--test", nargs="*", type=Path, default=[], metavar="RECORDING", help="drivers to hold out")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help=f"networks to train ({' '.join(MODELS)})")
    parser.add_argument("--runs", type=Path, default=Path("runs/shipped"), help="folder of all runs (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of the models (%(default)s)")
    parser.add_argument("--force", action="store_true", help="replace models that were made from other recordings")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
