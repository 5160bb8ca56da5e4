"""Drive the built-in car by hand in a browser.

python -m simulator --by-hand
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import signal
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from protocol.command_line import command_parser, run, whole
from protocol.tracks.names import TRACK_HELP
from protocol.web.addresses import is_loopback
from simulator.by_hand.game import Game
from simulator.by_hand.loop import Loop
from simulator.by_hand.model_link import ModelLink
from simulator.by_hand.page_files import PageFiles
from simulator.by_hand.page_server import address, bind, serving
from simulator.by_hand.seat import Seat
from simulator.unity.checkout import add_checkout_option

HELP = """Drive the built-in car by hand in a browser, record the drive, and take turns with a model.

examples:
  python -m simulator --by-hand                       open the address that it prints
  python -m simulator --by-hand --track mountain --out recordings/anna
  python -m simulator --by-hand --host 0.0.0.0        for a phone in the same network
  python server/drive.py models/eff.h5 --simulator by-hand   with a model to hand over to (H)

Ctrl-C ends it and completes the recordings. exit code: 0; 2 the input was bad, or the port is in use."""


def main(arguments: Sequence[str]) -> int:
    """Serve the page until Ctrl-C; returns the process's exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run(lambda: _serve(_parse(arguments)), "by hand", (OSError, ValueError, RuntimeError))


def _serve(options: argparse.Namespace) -> int:
    token = None if is_loopback(options.host) else secrets.token_urlsafe(24)
    hosts = frozenset(name.lower() for name in (*options.allow_host, options.host))
    files, seat = PageFiles(token, hosts), Seat()
    with closing(bind(options.host, options.port)) as listener:
        link = ModelLink(options.url)
        with (
            closing(link),
            closing(Game(options.track, options.out, link)) as game,
            serving(listener, files, seat),
            contextlib.suppress(KeyboardInterrupt),
        ):
            print(f"drive by hand at {address(options.host, listener, token)} (Ctrl-C ends)", flush=True)
            Loop(game, seat).run()
        if command := game.next_command():
            print(f"{game.notice}\nlearn from what you drove: {command}")
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = command_parser("python -m simulator --by-hand", HELP)
    parser.add_argument("--track", default="lake", help=TRACK_HELP)
    add_checkout_option(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("recordings/by-hand"),
        metavar="DIR",
        help="records into DIR/TRACK, and corrections into DIR/TRACK-corrections (default %(default)s)",
    )
    parser.add_argument(
        "--url", default="http://127.0.0.1:4567", help="the driving server to hand over to, if there is one"
    )
    parser.add_argument("--host", default="127.0.0.1", help="serve the page on this address (default %(default)s)")
    parser.add_argument("--port", type=whole(0, 65535), default=4568, help="0: any free one (default %(default)s)")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="accept this host name, of a proxy"
    )
    return parser.parse_args(arguments)
