"""Functions that every command line shares: help with its own line breaks, number limits, one-line error messages.

They belong to this package because all other packages may import it.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from protocol.start import BAD_INPUT, INTERRUPTED, STOPPED, interruptible

__all__ = [
    "BAD_INPUT", "INTERRUPTED", "STOPPED",
    "Parser", "command_parser", "help_texts", "number", "output_file", "plain", "positive", "run", "whole",
]  # fmt: skip

USUAL_CODES = "exit code: 0 success; 2 bad input; 130 stopped by Ctrl-C"


class Parser(argparse.ArgumentParser):
    """A parser that answers a mistake with one line: the closest option for a mistyped one, no usage before it."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with BAD_INPUT."""
        self.exit(BAD_INPUT, f"{self.prog}: error: {' '.join(message.split())}\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse as argparse does, but exit for the first argument that is none of ours."""
        arguments = list(sys.argv[1:] if args is None else args)
        if self._subparsers is None:  # else a subparser knows the options behind its name
            self._check_names(arguments)
        namespace, rest = super().parse_known_args(arguments, namespace)
        if rest:
            self.error(f"no place for {' '.join(map(repr, rest))}; `{self.prog} --help` says what it takes")
        return namespace, rest

    def _check_names(self, arguments: Iterable[str]) -> None:
        """Name the first long option that there is not; argparse might complain first of its value."""
        options = [name for name in self._option_string_actions if name.startswith("--")]
        for word in arguments:
            name = word.partition("=")[0]
            if word == "--":
                return
            if word.startswith("--") and " " not in name and not any(option.startswith(name) for option in options):
                closest = difflib.get_close_matches(name, options, 1)
                advice = f"did you mean {closest[0]}?" if closest else f"`{self.prog} --help` lists them"
                self.error(f"there is no option {name}; {advice}")


def command_parser(prog: str, text: str | None) -> Parser:
    """A parser whose help keeps line breaks. text: the description, an empty line, and the epilog of --help."""
    return Parser(prog=prog, **help_texts(text))


def help_texts(text: str | None) -> dict[str, Any]:
    """A parser's arguments for its --help: text as in `command_parser`, and the exit codes if it names none."""
    description, _, epilog = (text or "").partition("\n\n")
    if "exit code:" not in epilog:
        epilog = f"{epilog.rstrip()}\n\n{USUAL_CODES}"
    return {"description": description, "epilog": epilog, "formatter_class": argparse.RawDescriptionHelpFormatter}


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


def output_file(text: str) -> Path:
    """A path to write to, for add_argument; before hours of work it raises ArgumentTypeError without its folder."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        reason = "is a folder" if path.is_dir() else f"cannot be written: there is no folder {path.parent}"
        raise argparse.ArgumentTypeError(f"{text} {reason}")
    return path


def plain(error: Exception) -> str:
    """An exception's message in one line, without a system's error number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"cannot open or make {error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return " ".join(str(error).split())


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
        print(f"{name}: {plain(error)}" if name else plain(error), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"\n{stopped}" if sys.stderr.isatty() else stopped, file=sys.stderr)  # below the ^C of the user
        return INTERRUPTED
