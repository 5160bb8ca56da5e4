"""Make the models in models/: record the expert's drives, train on them and on people's recordings, convert to .tflite.

Everything is seeded, and finished drives and epochs are kept, so the same command resumes a build that was killed.

    python -m training.shipped ~/recordings --udacity ~/self-driving-car-sim
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from protocol.command_line import command_parser, run
from simulator.unity.checkout import add_checkout_option, checkout_folder
from training.__main__ import announce, report
from training.run.backend import choose_backend

HELP = """Make the models in models/: record the expert's drives, train on them and on people's recordings, convert.

examples:
  python -m training.shipped ~/recordings --udacity ~/self-driving-car-sim
  python -m training.shipped ~/recordings --models eff --out my-models

The folder holds the recordings that docs/recordings.md lists, each by its name there. The same command resumes a build
that was stopped.

exit code: 0 the models are written; 2 the input was bad; 130 interrupted."""

MODELS = ("eff", "eff-small", "eff-tiny", "baseline")

LICENCE = (
    "The weights learned from people's recordings that carry no licence, so their authors' rights are not cleared;"
    " docs/recordings.md names each recording, and LICENSE has a note on the weights."
)
"""Of the weights, for the cards."""

SEED = 1

ROUNDS = 1
"""Rounds of corrections."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Record the missing drives, train each model, convert it; returns the exit code, as of `python -m training`."""
    return run(lambda: _build(_parse(arguments)), "shipped", (OSError, ValueError, RuntimeError))


def _build(options: argparse.Namespace) -> int:
    checkout_folder()
    choose_backend()
    from training.shipped.data import shipped_data  # noqa: PLC0415 - --help must not wait for Keras

    data = shipped_data(options.recordings, options.runs)
    from training.run.model_out import check_out  # noqa: PLC0415
    from training.run.train import train  # noqa: PLC0415
    from training.shipped.recipe import SHIPPED  # noqa: PLC0415

    for model in options.models:
        settings = data.settings(model, SEED, SHIPPED, ROUNDS)
        out, folder = options.out / f"{model}.h5", options.runs / model
        check_out(out, [Path(name) for name in (*data.lake, *data.others, *data.experts, *data.tests)], options.force)
        announce(folder)
        card = replace(train(settings, folder, out, options.runs / "crops"), licence=LICENCE)
        card.write(out)
        report(card, out, folder)
        if code := convert(out, out.with_suffix(".tflite")):
            return code
    return 0


def convert(model: Path, out: Path) -> int:
    """Convert a model in a process of its own, because only TensorFlow converts, whatever trained; the exit code."""
    return subprocess.run([sys.executable, "-m", "models.convert", str(model), str(out)], check=False).returncode


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.shipped", HELP)
    parser.add_argument("recordings", type=Path, metavar="FOLDER", help="where the recordings are")
    add_checkout_option(parser)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="networks to train (all)")
    parser.add_argument("--runs", type=Path, default=Path("runs/shipped"), help="folder of all runs (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of the models (%(default)s)")
    parser.add_argument("--force", action="store_true", help="replace models that were made from other recordings")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
