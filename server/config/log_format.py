"""How the log looks: lines for people, or a JSON object a line for machines that collect them."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from server.config.plain_output import divert_stderr

FORMATS = ("human", "json")


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time (ISO 8601, UTC), level, logger, message, and exception where there is one."""

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


def set_up_logging(kind: str, verbose: bool) -> None:
    """Log to stderr as one of FORMATS. verbose: dropped packets and loading details too.

    As JSON, whatever else is printed to stderr becomes a record as well.
    """
    handler = logging.StreamHandler(divert_stderr() if kind == "json" else sys.stderr)
    human = logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S")
    handler.setFormatter(JsonFormatter() if kind == "json" else human)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for package in ("server", "inference", "film"):
        logging.getLogger(package).setLevel(logging.DEBUG if verbose else logging.INFO)


def fail(kind: str, message: str) -> None:
    """A line on stderr for whoever started the server in vain."""
    if kind == "json":
        logging.getLogger("server.drive").error("%s", message)
    else:
        print(f"drive.py: {message}", file=sys.stderr)


def announce(kind: str, message: str) -> None:
    """A line on stdout for whoever started the server: that it listens, and where."""
    print(json.dumps({"message": message}, ensure_ascii=False) if kind == "json" else message, flush=True)
