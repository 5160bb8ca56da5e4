"""Functions that every command line shares: help with its own line breaks, number limits, one-line error messages.

They belong to this package because all other packages may import it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from protocol.start import BAD_INPUT, INTERRUPTED, STOPPED, interruptible

__all__ = ["BAD_INPUT", "INTERRUPTED", "command_parser", "number", "positive", "run", "whole"]


def command_parser(prog: str, text: str | None) -> argparse.ArgumentParser:
    """A parser whose help keeps line breaks. text: the description, an empty line, and the epilog of --help."""
    description, _, epilog = (text or "").partition("\n\n")
    return argparse.ArgumentParser(
        prog=prog, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def number(low: float, high: float, name: str = "it") -> Callable[[str], float]:
    """A parser of numbers from `low` to `high`, for add_argument; it raises ArgumentTypeError, which names `what`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{name} must be a number from {low:.10g} to {high:.10g}, got {text!r}")
        return value

    return parse


def whole(low: int, high: int, name: str = "it") -> Callable[[str], int]:
    """A parser of whole numbers from `low` to `high`, for add_argument; it also accepts 5.0."""

    def parse(text: str) -> int:
        value = number(low, high, name)(text)
        if not value.is_integer():
            raise argparse.ArgumentTypeError(f"{name} must be a whole number, got {text!r}")
        return int(value)

    return parse


positive = number(1e-6, 1e6)


def run(
    body: Callable[[], int | None],
    name: str,
    expected: tuple[type[Exception], ...] = (OSError, ValueError),
    stopped: str = STOPPED,
) -> int:
    """Run a command's body, which parses the arguments first, and return its exit code; None counts as 0.

    An exception of the `expected` types becomes one line on stderr, prefixed with `name` if that is not empty, and the
    exit code BAD_INPUT. Ctrl-C becomes the line `stopped` and INTERRUPTED.
    """
    try:
        with interruptible():
            return body() or 0
    except expected as error:
        line = " ".join(str(error).split())
        print(f"{name}: {line}" if name else line, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"\n{stopped}" if sys.stderr.isatty() else stopped, file=sys.stderr)  # below the ^C of the user
        return INTERRUPTED
