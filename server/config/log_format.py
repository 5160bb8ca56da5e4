"""Formats the log: plain lines for people, or one JSON object a line for programs that collect logs."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime

from server.config.plain_output import divert_stderr

FORMATS = ("human", "json")
LINE, CLOCK = "%(asctime)s %(message)s", "%H:%M:%S"


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: time (ISO 8601, UTC), level, logger, message, and any exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TerminalFormatter(logging.Formatter):
    """Formats a record for a terminal: blanks first overwrite the line, where another process may draw a progress bar.

    The bar then draws itself anew below the record. terminal: the terminal's descriptor.
    """

    def __init__(self, terminal: int) -> None:
        super().__init__(LINE, datefmt=CLOCK)
        self._terminal = terminal

    def format(self, record: logging.LogRecord) -> str:
        """One line, with what makes room for it."""
        columns = os.get_terminal_size(self._terminal).columns
        return f"\r{' ' * (columns - 1)}\r{super().format(record)}"


def set_up_logging(kind: str, verbose: bool) -> None:
    """Log to stderr. kind: one of FORMATS; verbose: also log dropped packets and loading details.

    With `json`, everything else that is printed to stderr becomes a log record too.
    """
    handler = logging.StreamHandler(divert_stderr() if kind == "json" else sys.stderr)
    if kind == "json":
        handler.setFormatter(JsonFormatter())
    elif sys.stderr.isatty():
        handler.setFormatter(TerminalFormatter(sys.stderr.fileno()))
    else:
        handler.setFormatter(logging.Formatter(LINE, datefmt=CLOCK))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    set_levels(verbose)


def set_levels(verbose: bool) -> None:
    """Let the server's own loggers log dropped packets and loading details, too, if `verbose`."""
    for package in ("server", "inference", "film"):
        logging.getLogger(package).setLevel(logging.DEBUG if verbose else logging.INFO)


def fail(kind: str, message: str) -> None:
    """Print on stderr why the server could not start."""
    if kind == "json":
        logging.getLogger("server.drive").error("%s", message)
    else:
        print(f"drive.py: {message}", file=sys.stderr)


def announce(kind: str, message: str) -> None:
    """Print a line on stdout: that the server listens, and where."""
    print(json.dumps({"message": message}, ensure_ascii=False) if kind == "json" else message, flush=True)
