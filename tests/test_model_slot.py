"""Hot swap with real models under a driving client: no answer is missing, and what is no good is not taken."""

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from inference.engine import Engine, open_engine
from inference.observations import Observations
from protocol.images import decode_image
from server.model.slot import LoadedModel, ModelSlot
from server.model.watch import ModelWatch
from tests.conftest import jpeg_of, road_frame
from tests.raw_client import RawClient, telemetry_packet
from tests.server_process import ROOT, ServerProcess

JPEG = jpeg_of(road_frame(0.2))
TELEMETRY = telemetry_packet(JPEG)
FRAME = decode_image(JPEG)[np.newaxis]
"""What the server sees; the drawing itself is answered up to 0.01 otherwise."""


class Driving:
    """A client that drives as fast as it can and counts; `answers` holds every steering in turn."""

    def __init__(self, port):
        self.answers = []
        self._client = RawClient(port, timeout_s=20)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drive)
        self._thread.start()

    def _drive(self):
        while not self._ended.is_set():
            self._client.send(TELEMETRY)
            payload = json.loads(self._client.receive_until(b'42["steer"')[2:])[1]
            self.answers.append(float(payload["steering_angle"]))

    def wait_for(self, condition):
        """Until `condition(answers)` holds for the answers from now on."""
        start, limit = len(self.answers), threading.Event()
        for _ in range(24_000):  # on a busy computer a conversion takes its time
            if condition(self.answers[start:]):
                return
            assert self._thread.is_alive(), "it got no answer"
            limit.wait(0.01)
        raise AssertionError(f"it did not happen within 240 s; the last answers are {self.answers[-3:]}")

    def close(self):
        self._ended.set()
        self._thread.join(60)
        self._client.close()


@pytest.fixture
def models(tmp_path):
    for name in ("eff.h5", "eff.json", "baseline.h5", "baseline.json"):
        shutil.copy(Path(ROOT, "models", name), tmp_path / name)
    return tmp_path


def replaced(path, content):
    """As a careful program replaces a file."""
    partial = path.with_name("partial")
    partial.write_bytes(content)
    os.replace(partial, path)


@pytest.mark.slow
def test_a_file_that_changes_takes_over_and_garbage_does_not(models):
    eff, baseline = (float(open_engine(models / name).predict(FRAME)[0]) for name in ("eff.h5", "baseline.h5"))
    assert abs(eff - baseline) > 0.01
    near = lambda value: lambda answers: answers and abs(answers[-1] - value) < 0.005  # noqa: E731
    with ServerProcess("server/drive.py", str(models / "eff.h5"), "--port", "0", "--watch") as server:
        car = Driving(server.port)
        try:
            car.wait_for(near(eff))
            (models / "eff.json").unlink()  # the card goes with the file it describes
            replaced(models / "eff.h5", b"garbage" * 1000)
            car.wait_for(lambda answers: len(answers) > 1500)
            assert abs(car.answers[-1] - eff) < 0.005, "the old one goes on driving"
            replaced(models / "eff.h5", (models / "baseline.h5").read_bytes())
            car.wait_for(near(baseline))
        finally:
            car.close()
        assert all(min(abs(a - eff), abs(a - baseline)) < 0.005 for a in car.answers), "never anything between"


@pytest.mark.slow
def test_a_model_that_fails_its_golden_frame_is_not_taken(models):
    card = json.loads((models / "baseline.json").read_text())
    card["golden"]["steering"] += 0.5
    (models / "baseline.json").write_text(json.dumps(card))
    with ServerProcess("server/drive.py", str(models / "eff.h5"), "--port", "0") as server:
        car = Driving(server.port)
        try:
            ask(server.port, "POST", "/api/model", {"name": "baseline.h5"})
            car.wait_for(lambda answers: ask(server.port, "GET", "/api/status")["model"]["error"])
            state = ask(server.port, "GET", "/api/status")["model"]
            assert state["name"] == "eff.h5"
            assert "golden frame" in state["error"]
        finally:
            car.close()


def ask(port, method, path, body=None):
    """The JSON of an API call."""
    import http.client  # noqa: PLC0415

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    with connection.getresponse() as answer:
        state = json.loads(answer.read())
    connection.close()
    return state


def constant(value):
    return Engine("test", "CPU", (), lambda frames: np.full((len(frames), 1), value, np.float32))


def test_a_file_in_the_middle_of_being_written_is_left_alone(tmp_path):
    path = tmp_path / "net.h5"
    path.write_bytes(b"one")
    contents = []

    def load(source):
        contents.append(source.path.read_bytes())
        return LoadedModel(source.path, constant(0.5))

    slot = ModelSlot(LoadedModel(path, constant(0.0)), load)
    seen = Observations()
    seen.add(road_frame())
    watch = ModelWatch(slot, every_s=3600)
    watch._look()
    assert slot.answer(seen).steering == 0.0
    for content in (b"tw", b"two and", b"two and more"):
        path.write_bytes(content)
        watch._look()
    assert contents == []
    watch._look()
    limit = threading.Event()
    for _ in range(6000):
        if slot.loading is None and contents:
            break
        limit.wait(0.01)
    assert contents == [b"two and more"]
    assert slot.answer(seen).steering == 0.5
    watch._look()
    watch._look()
    path.unlink()
    watch._look()
    watch._look()
    assert len(contents) == 1, "once for each change"
    watch.close()


def test_a_change_is_logged_once_however_long_the_load_before_it_takes(tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "net.h5"
    path.write_bytes(b"one")
    release = threading.Event()

    def load(source):
        assert release.wait(60)
        return LoadedModel(source.path, constant(0.5))

    slot = ModelSlot(LoadedModel(path, constant(0.0)), load)
    watch = ModelWatch(slot, every_s=3600)
    logged = lambda: sum("has changed and is loaded again" in record.message for record in caplog.records)  # noqa: E731
    for content in (b"two and more", b"three and even more"):
        path.write_bytes(content)
        for _ in range(13):
            watch._look()
        assert logged() == 1, "the second change waits for the first load"
    loading = next(thread for thread in threading.enumerate() if thread.name == "model loading")
    release.set()
    loading.join(60)
    for _ in range(3):
        watch._look()
    assert logged() == 2
    watch.close()
    for thread in threading.enumerate():
        if thread.name == "model loading":
            thread.join(60)


@pytest.mark.slow
def test_a_tflite_file_may_be_truncated_while_it_drives(tmp_path):
    from inference.conversion import litert_file  # noqa: PLC0415

    path = tmp_path / "eff.tflite"
    shutil.copy(litert_file(Path(ROOT, "models", "eff.h5"))[0], path)
    engine = open_engine(path)
    before = engine.predict(FRAME)
    path.write_bytes(b"")
    np.testing.assert_array_equal(engine.predict(FRAME), before)


def test_a_follower_that_fails_keeps_neither_the_others_nor_the_next_swap(tmp_path, caplog):
    paths = [tmp_path / name for name in ("first.h5", "second.h5")]
    for path in paths:
        path.touch()
    followed = []

    def fails(model):
        raise RuntimeError("a bug in a follower")

    engine = constant(0.0)
    slot = ModelSlot(LoadedModel(paths[0], engine), lambda source: LoadedModel(source.path, engine))
    slot.follow(fails)
    slot.follow(followed.append)
    for path in (paths[1], paths[0]):
        slot.swap(path.name).join(60)
        assert slot.model.path == path
    assert [model.path for model in followed] == [paths[1], paths[0]]
    assert caplog.text.count("a part of the server still shows the old model") == 2


def test_a_watch_outlives_a_folder_that_cannot_be_read(tmp_path, monkeypatch, caplog):
    path, looked = tmp_path / "model.h5", threading.Event()
    path.touch()
    slot = ModelSlot(LoadedModel(path, Engine("test", "CPU", (), lambda frames: frames)), lambda _: None)
    failing = iter((True, True))

    def look(self):
        if next(failing, False):
            raise PermissionError("not now")
        looked.set()

    monkeypatch.setattr(ModelWatch, "_look", look)
    watch = ModelWatch(slot, every_s=0.01)
    assert looked.wait(60)
    watch.close()
    assert caplog.text.count("the watch could not read") == 2
