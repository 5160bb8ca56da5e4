"""A real server on a real port, in a thread, with a policy that tests can read: the whole path but the network."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable
from typing import NamedTuple

import eventlet
import eventlet.wsgi
import numpy as np

from server.app import DrivingApp
from server.driver import Driver
from server.gate import Access
from server.speed import ConstantThrottle
from server.web import wsgi_app

OPEN = Access()


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


class Response(NamedTuple):
    """An HTTP answer; header names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


class LiveServer:
    """Serves a DrivingApp in a thread of its own; `port` is where. Leaves no thread behind when closed."""

    def __init__(self, policy=None, observers=(), access=OPEN) -> None:
        self.policy = policy or Brightness()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as drive.py does
        self.port = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._calls: list[tuple[Callable[[], object], threading.Event]] = []
        self._thread = threading.Thread(target=self._serve, args=(observers, access), name="live server")
        self._ready = threading.Event()
        self._thread.start()
        assert self._ready.wait(10)

    def _serve(self, observers, access) -> None:
        self.app = DrivingApp(lambda: Driver(self.policy, lambda: ConstantThrottle(0.3)), observers)
        wsgi = wsgi_app(self.app, {"model": "test"}, access)
        green = eventlet.greenio.GreenSocket(self._listener)
        serving = eventlet.spawn(eventlet.wsgi.server, green, wsgi, log_output=False, debug=False)
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

    def get(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Response:
        """One HTTP request; `Sec_Fetch_Site="none"` stands for the header Sec-Fetch-Site."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body or None, {k.replace("_", "-"): v for k, v in headers.items()})
        with connection.getresponse() as answer:
            response = Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return response

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
