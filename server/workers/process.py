"""The first process's view of one worker: its process, its channel, and whether it answers."""

from __future__ import annotations

import atexit
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from server.net.channel import Channel
from server.net.green import Gate, sleep
from server.workers.messages import Alive, Beat, Begin, Ended, Failed, Free, HandOver, LogLine, Ready, Report

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
LOOK_EVERY_S = 0.02
END_S = 2.0
"""A worker whose channel has ended is killed after this time."""

SILENT_BEATS, HUNG_BEATS = 3, 10
"""Heartbeats without an answer, one a second: then a worker gets no new simulator, and then it is killed. The first
process counts heartbeats, not seconds, because it may have been stopped itself."""

START_BEATS = 300
"""Heartbeats until a worker must be ready: it imports its libraries, and may convert its model in another process."""


class WorkerProcess:
    """One worker. `place`: from 0, for the user from 1; `ready`: whether its model is warm; `hung`: whether its silence
    had it killed; `numbers`: of the simulators that it has; `reason`: why it could not begin."""

    def __init__(self, begin: Begin) -> None:
        self.place = begin.place
        self.ready = self.hung = False
        self.numbers: set[int] = set()
        self.reason: str | None = None
        self._gates: dict[int, Gate] = {}
        self._keys = self._unanswered = 0
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.workers.worker", str(descriptor)],
                cwd=ROOT,
                pass_fds=(descriptor, *begin.lanes.all),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        begin.lanes.close()
        atexit.register(self._process.kill)
        self.channel = Channel(ours)
        self.channel.send(begin)

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    @property
    def state(self) -> str:
        """`ready` for simulators, `starting`, or `silent` if it has left SILENT_BEATS heartbeats unanswered."""
        if not self.ready:
            return "starting"
        return "silent" if self._unanswered >= SILENT_BEATS else "ready"

    def beat(self) -> None:
        """Send it a heartbeat. If it has left too many unanswered, kill it."""
        if self.channel.closed or self.hung:
            return
        if self._unanswered == (HUNG_BEATS if self.ready else START_BEATS):
            self.hung = True
            complaint = "answers nothing" if self.ready else "was not ready"
            log.error("worker %d %s for %d s, so it is killed", self.place + 1, complaint, self._unanswered)
            self.kill()
            return
        self._unanswered += 1
        self.channel.send(Beat())

    def answer(self, order: Callable[[int], HandOver], descriptor: int) -> None:
        """Let it answer a request on this connection, and wait until it has closed it. order: key -> the order."""
        self._keys += 1
        key, gate = self._keys, Gate()
        self._gates[key] = gate
        self.channel.send(order(key), descriptor)
        gate.wait()

    def take(self, report: Report) -> bool:
        """Take a report about the worker itself; returns whether it was one."""
        match report:
            case Ready():
                self.ready = True
                self._unanswered = 0
            case Alive():
                self._unanswered = 0
            case Failed():
                self.reason = report.reason
            case Free():
                self.numbers.discard(report.number)
            case Ended():
                self._gates.pop(report.key).open()
            case LogLine():
                logging.getLogger(report.logger).log(report.level, "%s", report.text)
            case _:
                return False
        return True

    def bury(self) -> int:
        """Release all that waits for the worker, whose channel has ended; returns its exit code, or minus a signal."""
        self.ready = False
        self.numbers.clear()
        while self._gates:
            self._gates.popitem()[1].open()
        end_s = time.monotonic() + END_S
        while self._process.poll() is None:
            if time.monotonic() > end_s:
                self._process.kill()
            sleep(LOOK_EVERY_S)
        atexit.unregister(self._process.kill)
        return int(self._process.returncode)

    def kill(self) -> None:
        """End its process at once."""
        self._process.kill()
