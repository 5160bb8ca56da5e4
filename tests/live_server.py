"""A real server on a real port, in a thread, with a policy that tests can read: the whole path but the network."""

from __future__ import annotations

import http.client
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import eventlet
import numpy as np
from eventlet import tpool

from inference.driver import Driver
from inference.engine import Engine, EngineError
from inference.speed_control import SpeedTarget, TargetSpeedControl
from models.adapter.text import ModelSource
from server.core.app import DrivingApp
from server.model.slot import LoadedModel, ModelSlot
from server.net.serving import answer_requests
from server.operator_controls import OperatorControls
from server.web.access import Access
from server.web.routes import wsgi_app
from tests.frame_policy import FramePolicy

OPEN = Access()


class Brightness(FramePolicy):
    """Steers by the frame's mean brightness: black -1, white 1. `fail`: raised instead of an answer.

    `confidence`: of each answer, on a server whose model says it.
    """

    def __init__(self) -> None:
        self.answers: list[float] = []
        self.confidence = 0.99
        self.fail: Exception | None = None

    def predict(self, frames):
        if self.fail:
            raise self.fail
        steering = frames.reshape(len(frames), -1).mean(1) / 127.5 - 1
        self.answers += [float(s) for s in steering]
        return steering.astype(np.float32)


class Response(NamedTuple):
    """An HTTP answer; header names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


class LiveServer:
    """Serves a DrivingApp in a thread of its own; `port` is where. Leaves no thread behind when closed.

    careful: whether the model says how sure it is, and the cars drive by it.
    """

    def __init__(self, policy=None, observers=(), access=OPEN, careful: bool = False) -> None:
        self.policy = policy or Brightness()
        self.careful = careful
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        for name in ("brightness.h5", "other.h5", "garbage.h5"):
            (self.folder / name).write_text(name)
        self.models = ModelSlot(self.load(ModelSource(self.folder / "brightness.h5")), self.load)
        self.pace = SpeedTarget(15.0, constant_throttle=0.3)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as drive.py does
        self.port = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._calls: list[tuple[Callable[[], object], threading.Event]] = []
        self._thread = threading.Thread(target=self._serve, args=(observers, access), name="live server")
        self._ready = threading.Event()
        self._thread.start()
        assert self._ready.wait(60)

    def load(self, source: ModelSource) -> LoadedModel:
        """The policy under test for brightness.h5; hard right for other.h5; garbage.h5 cannot be loaded."""
        path = source.path
        if path.name == "garbage.h5":
            raise EngineError(f"{path.name} is no model")

        def run(frames):
            steering = np.ones(len(frames)) if path.name == "other.h5" else self.policy.predict(frames)
            steering = np.float32(steering).reshape(-1, 1)
            return np.insert(steering, 1, self.policy.confidence, axis=1) if self.careful else steering

        return LoadedModel(
            path,
            Engine("test", "CPU", (), run, answers=("steering", "confidence")[: 1 + self.careful]),
            {"model": path.name, "engine": "test", "notes": []},
            source.preprocess,
        )

    def _serve(self, observers, access) -> None:
        self.app = DrivingApp(
            lambda: Driver(self.models, lambda: TargetSpeedControl(self.pace), careful=self.careful), observers
        )
        self.controls = OperatorControls(self.app, self.models, self.pace, self.folder / "recordings")
        wsgi = wsgi_app(self.controls, access)
        serving = eventlet.spawn(answer_requests, wsgi, self._listener, self.app.refusals)
        self._ready.set()
        while not self._stop.is_set():
            while self._calls:
                function, finish = self._calls.pop()
                function()
                finish.set()
            eventlet.sleep(0.01)
        serving.kill()
        tpool.killall()  # its threads report to this thread's loop, which ends

    def call(self, function) -> None:
        """Run `function` on the server's own thread and wait for it."""
        finish = threading.Event()
        self._calls.append((function, finish))
        assert finish.wait(60)

    def get(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Response:
        """One HTTP request; `Sec_Fetch_Site="none"` stands for the header Sec-Fetch-Site."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body or None, {k.replace("_", "-"): v for k, v in headers.items()})
        with connection.getresponse() as answer:
            response = Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return response

    def wait_until(self, condition) -> None:
        """Until `condition()` holds; fails after a minute."""
        limit = threading.Event()
        for _ in range(6000):
            if condition():
                return
            limit.wait(0.01)
        raise AssertionError("it did not happen within a minute")

    def close(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.controls.close()
        self._listener.close()
        self._temporary.cleanup()
