"""How many processes answer simulators: the number of `--workers`, or one that fits the computer."""

from __future__ import annotations

import socket
from argparse import ArgumentTypeError

from inference.devices import available_cores

AUTO = "auto"
MOST = 8
"""`auto` takes no more: with 64 simulators, the most that a server takes, each worker then has eight."""

CORES_EACH = 2
"""A worker keeps about one core busy; the other one is for the simulators, the film and the first process."""

LARGEST = 32


def workers_option(text: str) -> int | str:
    """A number, or `auto`. Raises ArgumentTypeError."""
    if text == AUTO:
        return AUTO
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST):
        raise ArgumentTypeError(f"a number of workers must be a number from 1 to {LARGEST}, or {AUTO}, got {text!r}")
    return int(text)


def worker_count(option: int | str) -> int:
    """The number of workers of an option. Raises ArgumentTypeError for several where the system allows one only."""
    hands_over = hasattr(socket, "send_fds")  # not on Windows
    if option == AUTO:
        return max(1, min(MOST, available_cores() // CORES_EACH)) if hands_over else 1
    count = int(option)
    if count > 1 and not hands_over:
        raise ArgumentTypeError(
            f"--workers {count} needs a system that hands connections from one process to another, such as Linux; "
            "leave it out here, or start a second server on another --port"
        )
    return count
