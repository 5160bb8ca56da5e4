"""Where the checkout of Udacity's simulator project is, and how to get one; light enough for every command."""

from __future__ import annotations

import os
from pathlib import Path

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
