"""What every command shares: help that keeps its lines, numbers within limits, one line for what went wrong.

It stands here because this is the package that all others may import.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable

BAD_INPUT, INTERRUPTED = 2, 130


def command_parser(prog: str, text: str | None) -> argparse.ArgumentParser:
    """text: what the command does, an empty line, and what --help shows last, all with its own lines."""
    description, _, epilog = (text or "").partition("\n\n")
    return argparse.ArgumentParser(
        prog=prog, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def number(low: float, high: float, what: str = "it") -> Callable[[str], float]:
    """A parser of numbers from `low` to `high`, for add_argument; raises ArgumentTypeError with `what` for others."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{what} must be a number from {low:.10g} to {high:.10g}, got {text!r}")
        return value

    return parse


def whole(low: int, high: int, what: str = "it") -> Callable[[str], int]:
    """The same for whole numbers, which may be written as 5.0."""

    def parse(text: str) -> int:
        value = number(low, high, what)(text)
        if not value.is_integer():
            raise argparse.ArgumentTypeError(f"{what} must be a whole number, got {text!r}")
        return int(value)

    return parse


positive = number(1e-6, 1e6)


def run(
    body: Callable[[], int | None],
    name: str,
    expected: tuple[type[Exception], ...] = (OSError, ValueError),
    stopped: str = "",
    verbose: bool = False,
) -> int:
    """The exit code of a command: its body's, where None is 0; BAD_INPUT after what is expected; INTERRUPTED by Ctrl-C.

    An expected error becomes one line on stderr, behind `name` where there is one, and behind its traceback if verbose.
    stopped: what the user reads after Ctrl-C.
    """
    try:
        return body() or 0
    except expected as error:
        if verbose:
            traceback.print_exc()
        line = " ".join(str(error).split())
        print(f"{name}: {line}" if name else line, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        if stopped:
            print(f"\n{stopped}", file=sys.stderr)
        return INTERRUPTED
