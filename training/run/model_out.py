"""A training writes a model file: this module says which file it may replace, and what to do with it afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from models.card import CardError, read_card

CORRECTIONS = "corrections-"
"""The names of recordings that a training makes itself begin with this."""


def check_out(out: Path, recordings: Sequence[Path], force: bool) -> None:
    """Refuse a model file that others' recordings made, unless `force`. recordings: all that this training is given.

    Raises ValueError, which says what is there, for such a file and for one without a card; also for another suffix.
    """
    if out.suffix != ".h5":
        raise ValueError(f"--out must end in .h5, got {out}")
    if force or not out.exists():
        return
    try:
        learned = {data.recording for data in read_card(out).data if not data.recording.startswith(CORRECTIONS)}
    except CardError:
        raise ValueError(
            f"{out} exists and has no readable card; name another --out, or replace it by --force"
        ) from None
    if learned != {folder.resolve().name for folder in recordings}:
        others = ", ".join(sorted(learned)[:3]) + (f" and {len(learned) - 3} more" if len(learned) > 3 else "")
        raise ValueError(f"{out} was made from {others}; name another --out, or replace it by --force")


def next_commands(model: Path, run: Path) -> list[tuple[str, str]]:
    """Return (what for, command) for the next steps with a model file and its run."""
    elsewhere = [] if model.parent == run else ["--model", str(model)]
    commands = (
        ("drive the built-in lake and watch", ["server/drive.py", str(model), "--simulator", "lake"]),
        (
            "film a lap",
            ["server/drive.py", str(model), "--simulator", "lake", "--laps", "1", "--video", "my-drive.mp4"],
        ),
        (
            "count how often it leaves the road",
            ["-m", "training.evaluate", str(model), "--track", "lake", "--laps", "3"],
        ),
        (
            "draft a write-up",
            ["-m", "training.writeup", str(run), *elsewhere, "--film", "my-drive.mp4"],
        ),
        ("drive Udacity's simulator", ["server/drive.py", str(model)]),
    )
    return [(purpose, shell_line(["python", *arguments])) for purpose, arguments in commands]


def shell_line(words: Sequence[str]) -> str:
    """Return a command line, quoted for this system's shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
