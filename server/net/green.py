"""The functions and the gate through which the rest of the server uses eventlet's green threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

import eventlet
from eventlet import tpool
from eventlet.event import Event

Result = TypeVar("Result")


def spawn(work: Callable[..., object], *arguments: object) -> None:
    """Run `work` in a green thread of its own, as soon as this one waits."""
    eventlet.spawn_n(work, *arguments)


def sleep(seconds: float) -> None:
    """Let the other green threads run for this long; 0: let each of them run once."""
    eventlet.sleep(seconds)


def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Run `work` on one of a few real threads and return its result; the other green threads go on meanwhile."""
    return cast(Result, tpool.execute(work, *arguments))


def use_threads(count: int) -> None:
    """Set the number of those real threads; call this before the first `in_thread`."""
    tpool.set_num_threads(count)


def deadline(seconds: float) -> AbstractContextManager[Any]:
    """Leave the `with` block without an error after this long, even while it waits."""
    return cast("AbstractContextManager[Any]", eventlet.Timeout(seconds, False))


class Gate:
    """Green threads wait before it until another one opens it; it stays open."""

    def __init__(self) -> None:
        self._event = Event()

    def open(self) -> None:
        """Let those who wait go on."""
        if not self._event.ready():
            self._event.send()

    def wait(self) -> None:
        """Wait until it is open."""
        self._event.wait()
