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
OTHER_TRACKS = ("A-Sahoo-jungle", "ASkupek-jungle", "nicholas-necyk-jungle", "youqi1997-jungle", "AVMktl-mountain")
"""Learned whole, like the expert's drives, because the stretches to hold out are those of the lake."""

STRANGERS = (
    "r4y",
    "AbhinavSdr",
    "A78345",
    "AbdallahJalil",
    "AhmedonGit-jungle",
    "rmunoz78-jungle",
    "7558422012-jungle",
    "JCLC9027-mountain",
)
"""Whose recordings these are was decided by their names alone; see docs/recordings.md."""

LAP_M = 1135.0
"""The lap's length by the lake recordings' speed and time, by which the held-out road was chosen."""


def folders(root: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of these recordings in `root`. Raises ValueError that names the missing ones."""
    missing_names = [name for name in names if not (root / name).is_dir()]
    if missing_names:
        raise ValueError(
            f"{root} lacks {len(missing_names)} of {len(names)} recordings: {', '.join(missing_names)};"
            " docs/recordings.md says where each is, and what to leave out of it"
        )
    return tuple(str((root / name).resolve()) for name in names)
