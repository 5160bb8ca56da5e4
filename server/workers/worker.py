"""A process that answers simulators for the first one, which starts it with `--workers`.

python -m server.workers.worker DESCRIPTOR     (started by server.workers.crew only)
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # both may reach all processes, also during the imports; then the first process ends it
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Iterator

from inference.driver import Driver
from inference.engine import Engine
from inference.observations import Observations
from inference.policy import Answer
from inference.speed_control import SpeedTarget, TargetSpeedControl
from protocol.command_line import plain
from server.config.log_format import set_levels
from server.config.options import Options
from server.model.loading import load_driving, settle
from server.net.channel import Channel
from server.net.green import in_thread, spawn, use_threads
from server.workers.app import WorkerApp
from server.workers.lanes import Lanes
from server.workers.messages import (
    Alive,
    Beat,
    Begin,
    Failed,
    Forget,
    HandOver,
    LogLine,
    Pace,
    Pause,
    Ready,
    Stop,
    UseModel,
)

log = logging.getLogger(__name__)


class _ReportedLog(logging.Handler):
    """Reports each line of the log to the first process, which has the terminal."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self._channel.send(LogLine(record.name, record.levelno, self.format(record)))


class Worker:
    """One worker, and the Policy of its cars. begin: its first order; channel: takes the reports."""

    def __init__(self, begin: Begin, channel: Channel) -> None:
        self._options: Options = begin.options
        self._place = begin.place
        self._channel = channel
        self._lanes = Lanes(begin.lanes)
        self._engine = self._load(begin.model)
        self._newest_model = begin.model
        self._loading = threading.Lock()
        self._pace = SpeedTarget(0.0)
        self.app = WorkerApp(
            begin.place,
            lambda: Driver(self, lambda: TargetSpeedControl(self._pace), careful=begin.options.careful),
            channel.send,
            lambda: channel.waiting,
        )
        self.obey(begin.pace, None)
        self.obey(begin.pause, None)

    def answer(self, observations: Observations) -> Answer:
        """The present model's answer."""
        return self._engine.answer(observations)

    def obey(self, order: object, descriptor: int | None) -> None:
        """Carry out an order. descriptor: of the connection that came along with it."""
        match order:
            case HandOver() if descriptor is not None:
                spawn(self.app.answer, order, descriptor)
            case Pace():
                pace = self._pace
                pace.target_mph, pace.constant_throttle = order.target_mph, order.constant_throttle
                pace.models_throttle = order.models_throttle
            case Pause():
                self.app.pause(order.paused)
            case UseModel():
                self._newest_model = order
                threading.Thread(target=self._take_over, args=(order,), name="model loading", daemon=True).start()
            case Forget():
                self.app.forget(order.number)
            case Beat():
                spawn(self._show_life)

    def close(self) -> None:
        """Stop the cars, and ask the first process's network no more."""
        self.app.stop_cars()
        self._lanes.close()

    def _show_life(self) -> None:
        """Answer a heartbeat, once a thread that answers frames is free."""
        in_thread(int)
        self._channel.send(Alive())

    def _load(self, order: UseModel) -> Engine:
        if order.shared:
            return Engine("shared", "the first process", (), self._lanes.run, answers=order.answers)
        return load_driving(order.source, self._options).engine

    def _take_over(self, order: UseModel) -> None:
        """Let a model drive that the first process has checked, unless there is a newer order meanwhile."""
        with self._loading:
            if order is not self._newest_model:
                return
            try:
                self._engine = self._load(order)
            except Exception as error:  # the edge: the old model goes on driving
                log.error("worker %d: %s could not be loaded: %s", self._place + 1, order.source.path.name, error)


def serve(orders: Iterator[tuple[object, int | None]], channel: Channel) -> int:
    """Answer simulators until the order to stop, or until the first process is gone. Returns the exit code."""
    begin, _ = next(orders)
    assert isinstance(begin, Begin)
    os.chdir(begin.folder)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[_ReportedLog(channel)])
    set_levels(begin.options.verbose)
    logging.getLogger("server.model").setLevel(logging.WARNING)  # the first process has loaded the same and told of it
    try:
        worker = Worker(begin, channel)
    except (OSError, ValueError) as error:
        channel.send(Failed(plain(error)))
        return 1
    use_threads(len(begin.lanes.sockets))
    settle()
    channel.send(Ready())
    for order, descriptor in orders:
        if isinstance(order, Stop):
            break
        worker.obey(order, descriptor)
    worker.close()
    return 0


def main(descriptor: int) -> None:
    """Serve on the channel with this descriptor, then end this process."""
    channel = Channel(socket.socket(fileno=descriptor))
    code = 1
    try:
        code = serve(channel.messages(), channel)
        channel.flush()
    except Exception:  # the edge: nobody else says why
        traceback.print_exc()
    os._exit(code)  # neither a thread that loads a model nor a connection may hold the end up


if __name__ == "__main__":
    main(int(sys.argv[1]))
