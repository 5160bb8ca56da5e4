"""The options of both commands that connect to a server, and the connection that they describe."""

from __future__ import annotations

import argparse

from protocol.command_line import positive
from simulator.client.connection import Connection


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add `--url`, `--decimal-comma` and `--patience`."""
    parser.add_argument("--url", default="http://127.0.0.1:4567", help="the server's address (default %(default)s)")
    parser.add_argument("--decimal-comma", action="store_true", help="write numbers as a computer with a decimal comma")
    parser.add_argument(
        "--patience",
        type=positive,
        default=10.0,
        metavar="S",
        help="seconds to wait for the server (default %(default)g)",
    )


def make_connection(options: argparse.Namespace) -> Connection:
    """The connection that these options describe, not opened yet. Raises ValueError for a bad address."""
    return Connection(options.url, options.decimal_comma, options.patience)
