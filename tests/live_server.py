"""A real server on a real port, in a thread, with a policy that tests can read: the whole path but the network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import eventlet
import eventlet.wsgi
import numpy as np

from server.app import DrivingApp
from server.driver import Driver
from server.speed import ConstantThrottle


class Brightness:
    """Steers by the frame's mean brightness: black -1, white 1. Notes what it was asked; fails when told to."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.fail: Exception | None = None

    def predict(self, frames):
        if self.fail:
            raise self.fail
        steering = frames.reshape(len(frames), -1).mean(1) / 127.5 - 1
        self.asked += [float(s) for s in steering]
        return steering.astype(np.float32)


class LiveServer:
    """Serves a DrivingApp in a thread of its own; `port` is where. Leaves no thread behind when closed."""

    def __init__(self, policy=None, observers=()) -> None:
        self.policy = policy or Brightness()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as drive.py does
        self.port = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._calls: list[tuple[Callable[[], object], threading.Event]] = []
        self._thread = threading.Thread(target=self._serve, args=(observers,), name="live server")
        self._ready = threading.Event()
        self._thread.start()
        assert self._ready.wait(10)

    def _serve(self, observers) -> None:
        self.app = DrivingApp(lambda: Driver(self.policy, lambda: ConstantThrottle(0.3)), observers, {"model": "test"})
        green = eventlet.greenio.GreenSocket(self._listener)
        serving = eventlet.spawn(eventlet.wsgi.server, green, self.app.wsgi, log_output=False, debug=False)
        self._ready.set()
        while not self._stop.is_set():
            while self._calls:
                function, done = self._calls.pop()
                function()
                done.set()
            eventlet.sleep(0.01)
        serving.kill()

    def call(self, function) -> None:
        """Run `function` on the server's own thread and wait for it."""
        done = threading.Event()
        self._calls.append((function, done))
        assert done.wait(10)

    def wait_until(self, condition) -> None:
        """Until `condition()` holds; fails after 10 s."""
        limit = threading.Event()
        for _ in range(1000):
            if condition():
                return
            limit.wait(0.01)
        raise AssertionError("it did not happen within 10 s")

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()
