"""The drives of the built-in expert, through both cars' cameras: those to learn from, and those to test on.

Every drive is a lap. Pushes move the car off its line, and its steering leads back. Udacity's own scenes are driven in
both looks and directions, because they look as people's recordings do; the random roads vary shape and scenery.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

LEARNED = {
    "udacity-lake-15": "--track udacity-lake --speed 15 --seed 1",
    "udacity-lake-25": "--track udacity-lake --speed 25 --seed 2 --camera autonomous",
    "udacity-lake-shadows-20": "--track udacity-lake:shadows --speed 20 --seed 3",
    "udacity-lake-shadows-30": "--track udacity-lake:shadows --speed 30 --seed 37 --camera autonomous",
    "udacity-lake-12": "--track udacity-lake --speed 12 --seed 38",
    "lake-20": "--track lake --speed 20 --seed 4 --camera autonomous",
    "mountain-13": "--track mountain --speed 13 --seed 5",
    "random-101": "--track random:101 --speed 15 --seed 6",
    "random-103": "--track random:103 --speed 20 --seed 7 --camera autonomous",
    "random-105": "--track random:105 --speed 15 --seed 8",
    "random-107": "--track random:107 --speed 15 --seed 9 --camera autonomous",
    "udacity-lake-back-15": "--track udacity-lake --speed 15 --seed 11 --reverse",
    "udacity-lake-back-25": "--track udacity-lake --speed 25 --seed 12 --reverse --camera autonomous",
    "udacity-lake-shadows-back-20": "--track udacity-lake:shadows --speed 20 --seed 13 --reverse",
    "udacity-lake-shadows-back-30": "--track udacity-lake:shadows --speed 30 --seed 39 --reverse --camera autonomous",
    "udacity-lake-back-12": "--track udacity-lake --speed 12 --seed 40 --reverse",
    "lake-back-20": "--track lake --speed 20 --seed 14 --camera autonomous --reverse",
    "mountain-back-13": "--track mountain --speed 13 --seed 15 --camera autonomous --reverse",
    "random-102": "--track random:102 --speed 15 --seed 16 --reverse",
    "random-104": "--track random:104 --speed 20 --seed 17 --reverse --camera autonomous",
    "random-106": "--track random:106 --speed 15 --seed 18 --reverse",
    "random-108": "--track random:108 --speed 15 --seed 19 --reverse --camera autonomous",
    "udacity-jungle-12": "--track udacity-jungle --speed 12 --seed 31",
    "udacity-jungle-back-12": "--track udacity-jungle --speed 12 --seed 32 --reverse --camera autonomous",
    "udacity-jungle-shadows-15": "--track udacity-jungle:shadows --speed 15 --seed 33 --camera autonomous",
    "udacity-jungle-shadows-back-15": "--track udacity-jungle:shadows --speed 15 --seed 34 --reverse",
    "jungle-12": "--track jungle --speed 12 --seed 35 --camera autonomous",
    "jungle-back-12": "--track jungle --speed 12 --seed 36 --reverse",
}
"""The options of each drive that is learned whole."""

TESTED = {
    "test-udacity-lake": "--track udacity-lake --speed 15 --seed 21 --camera autonomous",
    "test-udacity-lake-back": "--track udacity-lake --speed 15 --seed 22 --reverse --camera autonomous",
    "test-udacity-jungle": "--track udacity-jungle --speed 12 --seed 24 --camera autonomous",
    "test-random": "--track random:301 --speed 15 --seed 23",
}
"""These drives are held out whole: the lake with other seeds, and a road that no model learned."""

AT_ONCE = 2
"""Drives recorded at the same time; drawing one takes one core."""


def record_missing(folder: Path, drives: dict[str, str]) -> list[Path]:
    """Record the drives that are not in `folder` yet; returns the folders of all, in order.

    A drive gets its name only when it is whole, so an interrupted one is recorded again. Raises RuntimeError with the
    words of a drive that failed.
    """
    missing_names = [name for name in drives if not (folder / name).exists()]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = threads.map(lambda name: _record(folder / name, drives[name].split()), missing_names)
        bar = tqdm(
            results, total=len(missing_names), unit=" drives", desc="the expert drives", disable=not missing_names
        )
        list(bar)
    return [folder / name for name in drives]


def _record(drive: Path, options: Sequence[str]) -> None:
    unfinished = drive.with_name(f"{drive.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "simulator", "record", str(unfinished), "--laps", "1", *options]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
        raise RuntimeError(f"{drive.name} was not recorded: {lines[-1]}")
    unfinished.rename(drive)
