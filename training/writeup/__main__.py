"""The command that drafts a write-up: a page of Markdown with pictures beside it, which a student edits and hands in.

python -m training.writeup runs/eff-tiny-3fa2c1d0 --film my-drive.mp4
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.command_line import command_parser, number, output_file, run
from protocol.tracks.names import TRACK_HELP
from simulator.unity.checkout import add_checkout_option

HELP = """Draft the write-up of a finished training, for a student to edit and hand in.

examples:
  python -m training.writeup runs/eff-tiny-3fa2c1d0
  python -m training.writeup runs/eff-tiny-3fa2c1d0 --film my-drive.mp4 --out hand-in/writeup.md
  python -m training.writeup runs/eff-3fa2c1d0 --model my-eff.h5 --track mountain --laps 1 --speed 12

The draft is Markdown with a folder of pictures beside it: frames, histograms of the steering, variations, curves, and
the map of a drive, for which the model drives the built-in track. It states the run's own facts and figures, and marks
with "Your words" what only the student can write. A draft that is there already is kept, unless --force.

exit code: 0 the draft is written; 2 the input was bad; 130 interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, drive and write; returns the exit code."""
    return run(lambda: _write(_parse(arguments)), "writeup", (OSError, ValueError, RuntimeError))


def _write(options: argparse.Namespace) -> None:
    out: Path = options.out
    if out.exists() and not options.force:
        raise ValueError(
            f"{out} is there already and may hold your own words; name another --out, or replace it by --force"
        )
    if options.film and not options.film.is_file():
        raise ValueError(f"there is no film {options.film}")
    from models.card import card_path  # noqa: PLC0415 - --help must not wait for TensorFlow
    from models.whole_files import write_whole  # noqa: PLC0415
    from simulator.world.track import open_track  # noqa: PLC0415
    from training.writeup.draft import draft, gaps  # noqa: PLC0415
    from training.writeup.drive import drive_and_draw  # noqa: PLC0415
    from training.writeup.finished_run import read_run  # noqa: PLC0415
    from training.writeup.markdown import Links  # noqa: PLC0415
    from training.writeup.pictures import MAP, draw_pictures  # noqa: PLC0415

    track = open_track(options.track)
    print(f"reading {options.run}")
    finished = read_run(options.run, options.model)
    pictures = out.with_name(f"{out.stem}-pictures")
    pictures.mkdir(exist_ok=True)
    print(f"drawing into {pictures}")
    draw_pictures(finished, pictures)
    drive = None
    if options.laps:
        drive = drive_and_draw(finished.model, track, options.laps, options.speed, pictures / MAP)
    model, card = (_path(file, out) for file in (finished.model, card_path(finished.model)))
    text = draft(finished, drive, Links(pictures.name, model, card, _path(options.film, out) if options.film else None))
    write_whole(out, text.encode())
    if drive:
        print(f"{drive.report.off_road_events} times off the road in {drive.report.laps:.2f} laps")
    print(f'wrote {out}; {gaps(text)} places are marked "Your words" and wait for yours')


def _path(file: Path, out: Path) -> str:
    """Return the path from the draft's folder to a file. Raises ValueError for another drive of Windows."""
    return Path(os.path.relpath(file.resolve(), out.resolve().parent)).as_posix()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.writeup", HELP)
    files, driving = (parser.add_argument_group(title) for title in ("files", "driving"))
    files.add_argument("run", type=Path, metavar="RUN", help="the folder of the finished training")
    files.add_argument(
        "--out", type=output_file, default=Path("writeup.md"), metavar="FILE.md", help="the draft (%(default)s)"
    )
    files.add_argument(
        "--model", type=Path, metavar="FILE.h5", help="the model, if training wrote it elsewhere by --out"
    )
    files.add_argument("--film", type=Path, metavar="FILE.mp4", help="a film of the drive, to be linked")
    files.add_argument("--force", action="store_true", help="replace a draft that is there already")
    driving.add_argument("--track", default="lake", help=TRACK_HELP)
    add_checkout_option(driving)
    driving.add_argument(
        "--laps", type=number(0, 100), default=3.0, help="laps to drive; 0 drives nothing (default %(default)g)"
    )
    driving.add_argument(
        "--speed", type=number(1, 30), default=15.0, metavar="MPH", help="speed to hold (default %(default)g)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
