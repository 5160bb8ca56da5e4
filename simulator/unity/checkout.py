"""Where the checkout of Udacity's simulator project is, and how to get one; light enough for every command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ENVIRONMENT = "UDACITY_SIMULATOR"
CLONE = "git lfs install && git clone https://github.com/udacity/self-driving-car-sim"
HOW_TO_GET = (
    f"`{CLONE}` makes one (MIT licence; docs/udacity-tracks.md says more), and --udacity DIR or {ENVIRONMENT} names it"
)


def checkout_folder(folder: str | Path | None = None) -> Path:
    """The checkout: `folder`, else the one that UDACITY_SIMULATOR names. Raises ValueError that says how to get one."""
    place = folder or os.environ.get(ENVIRONMENT)
    if not place:
        raise ValueError(f"Udacity's tracks need a checkout of its simulator project: {HOW_TO_GET}")
    checkout = Path(place).expanduser()
    if not (checkout / "Assets").is_dir():
        raise ValueError(f"{checkout} is no checkout of Udacity's simulator: it has no folder Assets; {HOW_TO_GET}")
    return checkout.resolve()


def add_checkout_option(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add `--udacity DIR`, which sets UDACITY_SIMULATOR for this process and for those that it starts."""
    parser.add_argument(
        "--udacity",
        type=_checkout,
        action=_SetsVariable,
        metavar="DIR",
        help=f"a checkout of Udacity's simulator, for its tracks (default: what {ENVIRONMENT} names)",
    )


def _checkout(text: str) -> Path:
    try:
        return checkout_folder(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class _SetsVariable(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        os.environ[ENVIRONMENT] = str(values)
        setattr(namespace, self.dest, values)
