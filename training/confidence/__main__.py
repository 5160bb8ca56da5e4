"""Gives a trained model its confidence anew, from recordings that it learned.

python -m training.confidence models/eff.h5 recordings/lake --out eff.h5
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from models.card import read_card
from models.whole_files import sha256
from protocol.command_line import command_parser, output_file, run, whole

HELP = """Give a trained model the output `confidence`, from recordings that it learned. Training does this by itself.

The model needs the card that training wrote beside it. Its steering stays as it is.

examples:
  python -m training.confidence models/eff.h5 recordings/lake --out eff.h5
  python -m training.confidence runs/mine/eff.h5 recordings/lake --also recordings/expert --out eff.h5"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the confidence and write model and card; returns the exit code."""
    return run(lambda: _fit(_parse(arguments)), "confidence")


def _fit(options: argparse.Namespace) -> None:
    from training.confidence.figures import confidence_figures  # noqa: PLC0415
    from training.confidence.fit import fit_confidence, trained_model  # noqa: PLC0415 - --help must not wait
    from training.data.samples import HELD_OUT, TRAIN, load_whole  # noqa: PLC0415
    from training.run.network import save_model  # noqa: PLC0415
    from training.run.recipe import Recipe  # noqa: PLC0415
    from training.run.run_card import DESCRIPTION, golden_of  # noqa: PLC0415

    card = read_card(options.model)
    names = {field.name for field in fields(Recipe)}
    recipe = replace(Recipe(), **{name: value for name, value in card.recipe.items() if name in names})
    drives = load_whole(options.recordings, recipe, TRAIN) + load_whole(options.also, recipe, TRAIN, by_expert=True)
    model = trained_model(options.model, card.model, recipe)
    confident_model = fit_confidence(model, drives, recipe, options.seed)
    save_model(confident_model, options.out)
    replace(
        card,
        description=DESCRIPTION,
        sha256=sha256(options.out),
        golden=golden_of(confident_model),
        confidence=confidence_figures(confident_model, load_whole(options.test, recipe, HELD_OUT)),
    ).write(options.out)
    print(f"wrote {options.out} and {options.out.with_suffix('.json')}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.confidence", HELP)
    parser.add_argument("model", type=Path, help="a .h5 file that training wrote, with its card beside it")
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="recordings that it learned")
    parser.add_argument(
        "--also", nargs="+", type=Path, default=[], metavar="RECORDING", help="recordings of the built-in expert"
    )
    parser.add_argument(
        "--test", nargs="+", type=Path, default=[], metavar="RECORDING", help="measure it on these, for the card"
    )
    parser.add_argument("--out", type=model_file, required=True, help="the .h5 file to write; its card goes beside it")
    parser.add_argument("--seed", type=whole(0, 2**31 - 1), default=1, help="seed of the choice of frames (1)")
    return parser.parse_args(arguments)


def model_file(text: str) -> Path:
    """A path to write a model to. Raises ArgumentTypeError for another suffix, or without its folder."""
    path = output_file(text)
    if path.suffix != ".h5":
        raise argparse.ArgumentTypeError(f"{text} must end in .h5")
    return path


if __name__ == "__main__":
    sys.exit(main())
