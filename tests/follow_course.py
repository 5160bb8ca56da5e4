"""Follow docs/course.md command by command, with a scripted keyboard in Chromium in place of the person, and time it.

The keyboard drives the laps at the page for driving by hand. Then the course's own commands look at the recording,
train, drive three laps, film one and draft the write-up. Each finished step is noted in the folder, so the same command
goes on where it was stopped.

    python -m tests.follow_course /tmp/course
    python -m tests.follow_course /tmp/course --speed 20

exit code: 0 the model drove three laps and never left the road; 1 it left it; 2 a step failed; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models.whole_files import write_whole
from protocol.command_line import command_parser, number, run

ROOT = Path(__file__).resolve().parent.parent
LAPS = 2
RECORDING = Path("recordings/by-hand/lake")
FILM = "my-drive.mp4"

STEPS = {
    "look at the data": "python -m training.doctor recordings/by-hand/lake --picture lake.png",
    "see what the model sees": "python -m training recordings/by-hand/lake --quick --preview seen.png",
    "train": "python -m training recordings/by-hand/lake --quick --run runs/first",
    "drive 3 laps": "python -m training.evaluate runs/first/eff-tiny.h5 --track lake --laps 3 --map drive.png",
    "film a lap": "python server/drive.py runs/first/eff-tiny.h5 --simulator lake --laps 1 --video my-drive.mp4",
    "write-up": "python -m training.writeup runs/first --film my-drive.mp4",
}
"""The commands of docs/course.md, word by word, in their order."""

SAYS_NO = {"look at the data", "drive 3 laps", "film a lap"}
"""These steps end with 1 when they finish but judge: faults in the recording, or a car off the road."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow the course and print the minutes of each step; returns the exit code."""
    return run(lambda: _follow(_parse(arguments)), "course", (OSError, ValueError, RuntimeError, AssertionError))


def _follow(options: argparse.Namespace) -> int:
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    notes = Notes(folder / "steps.json")
    notes.take(f"drive {LAPS} laps by hand", lambda: _drive_by_hand(folder, options.speed))
    if notes.steps.get("film a lap", (0.0, -1))[1] < 0:
        (folder / FILM).unlink(missing_ok=True)  # of a drive that was stopped; the server replaces no film
    for name, command in STEPS.items():
        notes.take(name, lambda name=name, command=command: _type(command, folder, name in SAYS_NO))
    print(f"\n{'step':<26}{'minutes':>8}{'exit code':>11}")
    for name, (seconds, code) in notes.steps.items():
        print(f"{name:<26}{seconds / 60:>8.1f}{code:>11}")
    print(f"{'all':<26}{sum(seconds for seconds, _ in notes.steps.values()) / 60:>8.1f}")
    return notes.steps["drive 3 laps"][1]


class Notes:
    """The steps, each with its seconds and exit code (-1: stopped), in a file with which a later call goes on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.steps: dict[str, tuple[float, int]] = {}
        if file.exists():
            self.steps = {name: (float(s), int(code)) for name, (s, code) in json.loads(file.read_text()).items()}

    def take(self, name: str, step: Callable[[], int]) -> None:
        """Take a step that is not finished yet, and note it; the time of a stopped try counts, too."""
        before_s, code = self.steps.get(name, (0.0, -1))
        if code >= 0:
            return
        print(f"\n== {name}", flush=True)
        start_s = time.monotonic()
        try:
            code = step()
        finally:
            self.steps[name] = (before_s + time.monotonic() - start_s, code)
            write_whole(self._file, json.dumps(self.steps, indent=2).encode())


def _drive_by_hand(folder: Path, speed_mph: float) -> int:
    from tests.drive_by_hand import record_laps  # noqa: PLC0415 - whoever reads STEPS needs no browser

    out = folder / RECORDING.parent
    if (folder / RECORDING).exists():
        raise ValueError(
            f"{folder / RECORDING} is there from a drive that was stopped; delete it, or name another folder"
        )
    print(record_laps(out, "keys", LAPS, speed_mph))
    return 0


def _type(command: str, folder: Path, may_say_no: bool) -> int:
    """Run a command of the course in `folder`, as a reader does in the checkout. Raises RuntimeError if it fails."""
    print(f"$ {command}", flush=True)
    words = [str(ROOT / word) if word == "server/drive.py" else word for word in shlex.split(command)]
    code = subprocess.run(
        [sys.executable, *words[1:]], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    ).returncode
    if code > int(may_say_no):
        raise RuntimeError(f"`{command}` ended with {code}")
    return code


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m tests.follow_course", __doc__)
    parser.add_argument("folder", type=Path, help="a folder for all that the course makes")
    parser.add_argument(
        "--speed", type=number(5, 30), default=15.0, metavar="MPH", help="of the laps by hand (default %(default)g)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
