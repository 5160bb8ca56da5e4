"""The command line of the leaderboard: many models drive the same roads, and a page ranks them.

python -m training.leaderboard submissions --tracks lake mountain --out board
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inference.devices import available_cores
from protocol.command_line import command_parser, run
from protocol.tracks.names import TRACK_NAMES
from simulator.unity.checkout import add_checkout_option
from training.jobs.runner import add_worker_options, joined_cluster

if TYPE_CHECKING:
    from training.leaderboard.board import Board

HELP = """Let many models drive the same roads, and rank them on a page, in a table and in a file.

examples:
  python -m training.leaderboard submissions --tracks lake mountain random:201-204
  python -m training.leaderboard submissions --rules term.toml --out board
  python -m training.leaderboard submissions --identify recordings/lake --out board
  python -m training.leaderboard submissions --out board --against last-term/board.json
  python -m training.leaderboard submissions --out board --ray 192.168.1.20:6379

A submission is a model file, a folder with one and its cards, or a .zip of such a folder. Submissions are not trusted:
each is opened in a process of its own, and no code from it runs. A submission that cannot be opened has a line with the
reason. The folder --out gets board.html, board.json and board.csv, and keeps in work/ what has been done.
If you stop the command, it goes on where it was; a new submission costs its own drives. docs/leaderboard.md tells the
rules and the score.

exit code: 0 success; 1 some submissions were refused or failed in a drive; 2 bad input; 130 stopped by Ctrl-C."""

STOPPED = "stopped; finished drives are kept, and the same command goes on"


def main(arguments: Sequence[str] | None = None) -> int:
    """Open, drive, rank and write; returns the exit code."""
    return run(lambda: _make(_parse(arguments)), "leaderboard", (OSError, ValueError, RuntimeError), STOPPED)


def _make(options: argparse.Namespace) -> int:
    from models.whole_files import write_whole  # noqa: PLC0415 - --help and a wrong rule must not wait
    from simulator.world.track import open_track  # noqa: PLC0415
    from training.commit import git_commit  # noqa: PLC0415
    from training.leaderboard.against import changes, changes_text, read_board  # noqa: PLC0415
    from training.leaderboard.board import board_csv, board_json, make_board  # noqa: PLC0415
    from training.leaderboard.page.page import board_page  # noqa: PLC0415
    from training.leaderboard.rules import read_rules  # noqa: PLC0415
    from training.leaderboard.run import BoardRun, made  # noqa: PLC0415
    from training.leaderboard.store import DriveStore  # noqa: PLC0415
    from training.leaderboard.submissions import take_in  # noqa: PLC0415

    rules = read_rules(options.rules, options.tracks)
    tracks = {name: open_track(name) for name in rules.tracks}
    before = read_board(options.against) if options.against else None
    commit = git_commit()
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(DriveStore(options.out, commit))
        stack.enter_context(joined_cluster(options))
        submissions = take_in(options.submissions, store.models, int(rules.limits.file_mb * 1e6))
        work = BoardRun(rules, store, options.workers, options.identify, bool(options.ray))
        models, refusals = work.open(submissions)
        driven = work.drive(models)
        if not options.no_films:
            work.film(driven)
        board = make_board(rules, driven, refusals, made(options.workers, commit, work.commits(driven), work.computers))
        write_whole(options.out / "board.json", board_json(board).encode())
        write_whole(options.out / "board.csv", board_csv(board).encode("utf-8-sig"))
        changed = changes(before, read_board(options.out / "board.json"), rules.weights) if before else None
        films = {} if options.no_films else {one.worst.task.key: store.film(one.worst.task) for one in driven}
        write_whole(options.out / "board.html", board_page(board, tracks, films, changed).encode())
    print(_table(board))
    if changed:
        print(f"\n{changes_text(changed)}")
    print(f"wrote board.html, board.json and board.csv in {options.out}")
    return 1 if board.refused or any(place.model.failures for place in board.places) else 0


def _table(board: Board) -> str:
    """The board for a terminal."""
    lines = [f"{'rank':>4}  {'model':<40}{'score':>7}  95 % interval"]
    for place in board.places:
        score = place.standing.score
        interval = f"  {score.low:.2f} to {score.high:.2f}" if score.low == score.low else ""
        lines.append(f"{place.standing.rank:>4}  {place.model.submission.name:<40}{score.value:>7.2f}{interval}")
        lines += [f"      {reason}" for reason in place.model.failures]
    lines += [f"   -  {submission.name:<40}{submission.refusal}" for submission in board.refused]
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.leaderboard", HELP)
    parser.add_argument(
        "submissions", type=_there, nargs="+", metavar="SUBMISSIONS", help="folders of submissions, or single ones"
    )
    parser.add_argument("--rules", type=Path, metavar="FILE.toml", help="the rules (default: docs/leaderboard.md)")
    parser.add_argument(
        "--tracks",
        nargs="+",
        default=[],
        metavar="TRACK",
        help=f"in place of the rules': {TRACK_NAMES}, random:201-210",
    )
    add_checkout_option(parser)
    parser.add_argument("--out", type=Path, default=Path("board"), help="output folder (default %(default)s)")
    add_worker_options(parser, available_cores(), "drive")
    parser.add_argument(
        "--identify", type=_there, nargs="+", default=[], metavar="RECORDING",
        help="find the pixels of models without a card with these recordings",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=_there, metavar="BOARD.json", help="also tell what changed since this other board"
    )
    parser.add_argument("--no-films", action="store_true", help="leave the films of the worst minutes out")
    return parser.parse_args(arguments)


def _there(text: str) -> Path:
    path = Path(text)
    if not os.path.lexists(path):
        raise argparse.ArgumentTypeError(f"there is no file or folder {text}")
    return path


if __name__ == "__main__":
    sys.exit(main())
