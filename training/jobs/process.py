"""A process of the pool: it does jobs within limits, and says nothing but what the jobs return."""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tqdm import tqdm

TELL_S = 1.0
"""A process tells at most so often how much of its job it has done."""

_connection: Connection | None = None
_told_s = -math.inf


class ProcessLimits(NamedTuple):
    """What each process may take, where the system limits it. memory_bytes: addresses; file_bytes: of a file.

    None: as much as there is.
    """

    memory_bytes: int | None = None
    file_bytes: int | None = None


class WorkerSettings(NamedTuple):
    """function: `module:name` of a function of plain values, which does a job.

    limit_s: of processor time for each job, where the system counts it; infinite for our own jobs.
    environment: variables of the process.
    """

    function: str
    limit_s: float
    limits: ProcessLimits
    environment: dict[str, str]


def work(connection: Connection, settings: WorkerSettings) -> None:
    """The process: it does jobs until the pipe is closed, or until its parent has ended in the middle of a job."""
    global _connection  # noqa: PLW0603 - one process has one pipe
    _connection = connection
    function, limit_s, limits, environment = settings
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(environment)
    _silence()
    _limit(limits)
    tqdm.set_lock(threading.RLock())  # the lock that tqdm would make for several processes outlives one that is killed
    while True:
        try:
            argument = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        _limit_time(limit_s)
        result, failure = None, ""
        try:
            result = _function(function)(argument)
        except MemoryError:
            room = f" than {limits.memory_bytes / (1 << 30):g} GB of" if limits.memory_bytes else ""
            failure = f"it needs more{room} memory"
        except Exception as error:  # whatever a stranger's file leads to
            failure = str(error) or type(error).__name__
        connection.send_bytes(json.dumps({"result": result, "failure": failure}).encode())


def tell(share: float) -> None:
    """Tell the pool how much of its job this process has done, 0 to 1. Elsewhere nobody listens."""
    global _told_s  # noqa: PLW0603
    if _connection and time.monotonic() - _told_s >= TELL_S:
        _told_s = time.monotonic()
        with contextlib.suppress(OSError):  # the pool has gone, and this process goes with it
            _connection.send_bytes(json.dumps({"share": share}).encode())


def _end_with_parent() -> None:
    """Wait for the end of the parent, and end this process and all that it has started."""
    if parent := multiprocessing.parent_process():
        parent.join()
        with contextlib.suppress(OSError, AttributeError):  # the system has no process groups
            if os.getpgrp() == os.getpid():
                os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)


def _limit(limits: ProcessLimits) -> None:
    with contextlib.suppress(ImportError):  # Windows sets no limits
        import resource  # noqa: PLC0415

        if limits.memory_bytes is not None:
            _lower(resource.RLIMIT_AS, limits.memory_bytes)
        if limits.file_bytes is not None:
            _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
        _lower(resource.RLIMIT_CORE, 0)


def _limit_time(seconds: float) -> None:
    """Let the process end when it has used so much more processor time; it may have had jobs before."""
    if math.isinf(seconds):
        return
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415

        _lower(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds))


def _lower(kind: int, most: int) -> None:
    """Set a limit that a process which this one starts may raise again, such as a trial that has its own."""
    import resource  # noqa: PLC0415

    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _silence() -> None:
    """Write the rest of the output nowhere: libraries say there what a stranger's file makes them say."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _function(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    module, _, function = name.partition(":")
    call: Callable[[dict[str, Any]], dict[str, Any]] = getattr(importlib.import_module(module), function)
    return call
