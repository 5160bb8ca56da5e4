"""The API changes the model between two frames, and shows what it looks at."""

import json
import threading

import pytest

from server.web.saliency_service import SaliencyPending
from tests.api_client import GREY, post, status, steer


def test_another_model_takes_over_between_two_frames_and_garbage_does_not(server, simulator):
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01)
    assert set(json.loads(server.get("/api/models").body)["models"]) == {"brightness.h5", "garbage.h5", "other.h5"}
    assert post(server, "model", {"name": "garbage.h5"})[0] == 202
    server.wait_until(lambda: status(server)["model"]["error"])
    assert status(server)["model"]["name"] == "brightness.h5"
    assert "goes on driving" in json.dumps(status(server)["doctor"])
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01)
    post(server, "model", {"name": "other.h5"})
    server.wait_until(lambda: status(server)["model"]["name"] == "other.h5")
    assert steer(simulator)["steering_angle"] == "1.0000"
    assert status(server)["model"]["error"] is None


def test_a_model_may_be_asked_for_with_its_pixels(server, simulator):
    assert post(server, "model", {"name": "other.h5:course"})[0] == 202
    server.wait_until(lambda: status(server)["model"]["name"] == "other.h5")
    assert server.models.model.preprocess == "course"
    code, answer = post(server, "model", {"name": "brightness.h5:colour=red"})
    assert code == 400
    assert "the colours are rgb" in answer["error"]


def test_a_second_model_cannot_be_asked_for_while_one_loads(server, simulator):
    began, may_end = threading.Event(), threading.Event()
    load = server.models._load

    def slow(path):
        began.set()
        assert may_end.wait(60)
        return load(path)

    server.models._load = slow
    post(server, "model", {"name": "other.h5"})
    assert began.wait(60)
    assert post(server, "model", {"name": "garbage.h5"}) == (409, {"error": "other.h5 is still loading"})
    assert status(server)["model"]["loading"] == "other.h5"
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01), "the old one drives meanwhile"
    may_end.set()
    server.wait_until(lambda: status(server)["model"]["name"] == "other.h5")


def test_what_the_model_looks_at_is_a_picture_or_a_word(server, simulator, monkeypatch):
    assert server.get("/api/saliency").status == 404
    steer(simulator)
    server.wait_until(lambda: 1 in server.controls.view.simulators)
    requests = []

    def picture(answer, model):
        requests.append((answer.telemetry.image, model.path.name))
        if len(requests) == 1:
            raise SaliencyPending("brightness.h5", 12.3)
        return b"a jpeg"

    monkeypatch.setattr(server.controls.saliency_service, "picture", picture)
    for query, code in (("", 202), ("", 200), ("?simulator=1", 200), ("?simulator=2", 404), ("?simulator=x", 400)):
        shown = server.get(f"/api/saliency{query}")
        assert shown.status == code
        if code == 202:
            assert json.loads(shown.body)["seconds"] == 12.3
            assert "brightness.h5 is being prepared for this, once" in json.loads(shown.body)["preparing"]
    assert requests == [(GREY, "brightness.h5")] * 3
    assert server.get("/api/saliency").headers["content-type"] == "image/jpeg"
    monkeypatch.undo()
    (server.folder / "brightness.h5").rename(server.folder / "elsewhere")
    server.wait_until(lambda: server.get("/api/saliency").status == 409)
    refused = server.get("/api/saliency")
    assert "brightness.h5" in json.loads(refused.body)["error"]
    assert float(steer(simulator)["steering_angle"]) == pytest.approx(0.5, abs=0.01), "and it still drives"
