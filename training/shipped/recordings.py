"""The people's recordings that the shipped models learn from, and those of strangers, on which they are only tested.

docs/recordings.md says where each lies. They are looked for by name in one folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

LAKE = (
    "lake-recording",
    "udacity",
    "7Spartan",
    "AOJINGCHUAN",
    "AVSSravan",
    "AdrianKlei",
    "AdrianReimer",
    "AhmedFouad2001",
    "AlbertoB5",
    "AlexPirciu",
    "AlparslanTamer",
)
OTHER_TRACKS = ()
STRANGERS = ("AbhinavSdr", "r4y")

LAP_M = 1135.0
"""The lap's length by the lake recordings' speed and time, by which the held-out road was chosen."""


def folders(root: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of these recordings in `root`. Raises ValueError that names the missing ones."""
    missing = [name for name in names if not (root / name).is_dir()]
    if missing:
        raise ValueError(
            f"{root} lacks {len(missing)} of {len(names)} recordings: {', '.join(missing)};"
            " docs/recordings.md says where each is, and what to leave out of it"
        )
    return tuple(str((root / name).resolve()) for name in names)
