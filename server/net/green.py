"""What the rest of the server asks of eventlet's green threads, in five verbs; only this folder imports eventlet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

import eventlet
from eventlet import tpool

Result = TypeVar("Result")


def spawn(work: Callable[..., object], *arguments: object) -> None:
    """Run `work` in a green thread of its own, once this one waits."""
    eventlet.spawn_n(work, *arguments)


def sleep(seconds: float) -> None:
    """Let the other green threads run for so long; 0: let each of them have its turn."""
    eventlet.sleep(seconds)


def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """The result of `work`, computed on one of a few real threads while the other green threads run."""
    return cast(Result, tpool.execute(work, *arguments))


def use_threads(count: int) -> None:
    """How many of those real threads there are. To be said before the first is needed."""
    tpool.set_num_threads(count)


def deadline(seconds: float) -> AbstractContextManager[Any]:
    """Leave the `with` block after so long, whatever waits in it, without an error."""
    return cast("AbstractContextManager[Any]", eventlet.Timeout(seconds, False))
