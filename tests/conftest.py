"""What several tests need: camera frames and recordings, drawn here, so that no test needs a file or the network."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocol.recorder import Recorder
from simulator.render.scene import Scene
from simulator.world.track import open_track
from tests.live_server import LiveServer
from tests.raw_client import RawClient


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import the tests without the garbage collector, which would visit TensorFlow's modules again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the processes of xdist begin with the slow tests, so that none is left alone with them in the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def jpeg_of(frame: np.ndarray, image_format: str = "JPEG") -> bytes:
    """Encode a uint8 RGB frame."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, image_format, quality=90)
    return file.getvalue()


def road_frame(shift: float = 0.0) -> np.ndarray:
    """uint8 (160, 320, 3): sky, grass and a grey road whose far end lies `shift` (-1..1) to the right."""
    frame = np.empty((160, 320, 3), np.uint8)
    frame[:60], frame[60:] = (120, 170, 230), (60, 130, 50)
    depth = np.arange(100)[:, np.newaxis] / 100
    centre = 160 + shift * 120 * (1 - depth) ** 2
    frame[60:][np.abs(np.arange(320) - centre) < 20 + 130 * depth] = (110, 110, 112)
    return frame


@functools.cache
def road_jpeg(shift: float) -> bytes:
    """`road_frame` as JPEG, drawn once: recordings show the same bends again and again."""
    return jpeg_of(road_frame(shift))


@pytest.fixture
def make_recording(tmp_path: Path) -> Callable[..., Path]:
    """make_recording(rows=20, sessions=1) -> a folder in Udacity's format, three cameras, 0.1 s a row."""

    def make(rows: int = 20, sessions: int = 1, name: str = "recording", cameras: int = 3) -> Path:
        with Recorder(tmp_path / name) as recorder:
            for session in range(sessions):
                for i in range(rows):
                    steering = round(0.5 * np.sin(i / 5), 4)
                    jpeg = road_jpeg(steering)
                    sides = {"left": jpeg, "right": jpeg} if cameras == 3 else {}
                    time_s = 1.6e9 + 1000 * session + 0.1 * i
                    recorder.write(time_s, jpeg, steering, 0.3, 0.0, 15.0 + i / 7, **sides)
        return tmp_path / name

    return make


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """A real server on a port of its own, steering by brightness."""
    live = LiveServer()
    yield live
    live.close()


@pytest.fixture
def simulator(server: LiveServer) -> Iterator[RawClient]:
    """The stock simulator's end of a socket to `server`."""
    with RawClient(server.port) as client:
        yield client


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """The built-in lake, drawn once for all tests."""
    lake_scene = Scene(open_track("lake"))
    yield lake_scene
    lake_scene.close()


@pytest.fixture(scope="session")
def steering_data() -> Path:
    """The folder of real recordings that STEERING_DATA points at; tests that need it are skipped without."""
    if not os.environ.get("STEERING_DATA"):
        pytest.skip("set STEERING_DATA to a folder of real recordings to run this test")
    return Path(os.environ["STEERING_DATA"])


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright to test the page")
    from tests.browser import CHROMIUM  # noqa: PLC0415

    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """open_page(url, **context) -> the page; fails in the end if it wrote to the console or asked another host.

    server_ends: the server ends or refuses during the test, of which browsers complain.
    """
    complaints, contexts = [], []

    def open_(url, server_ends=False, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: server_ends or complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        home = (url.split("?")[0], "data:")
        page.on("request", lambda request: request.url.startswith(home) or complaints.append(request.url))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def car(server):
    """car(frames) connects a car that drives so far at once, and then stands there, with new views, until the end."""
    from tests import page_drives  # noqa: PLC0415 - it needs a browser

    stop, threads, clients = threading.Event(), [], []

    def drive_and_stand(frames, **options):
        client = RawClient(server.port)
        clients.append(client)
        page_drives.drive(client, frames, **options)

        def stand():
            while not stop.wait(0.05):
                page_drives.drive(client, 1, first=frames - 1, **options)

        threads.append(threading.Thread(target=stand))
        threads[-1].start()

    yield drive_and_stand
    stop.set()
    for thread in threads:
        thread.join(60)
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def workers():
    """A server of two workers for all tests of a file."""
    from tests.worker_server import Workers  # noqa: PLC0415 - it imports this module

    with Workers() as server:
        yield server


@pytest.fixture
def fleet(workers):
    """fleet(count) -> so many connected simulators."""
    with contextlib.ExitStack() as stack:
        yield lambda count: [stack.enter_context(RawClient(workers.port, timeout_s=60)) for _ in range(count)]
    workers.wait_until(lambda: workers.status()["simulators"] == [] and sum(workers.loads()) == 0)
