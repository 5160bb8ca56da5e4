"""A model whose answers are strange is named, in the log and for the page; one that drives well never is."""

from __future__ import annotations

import json
import math
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from protocol.messages import Telemetry
from server.core.session import Reply
from server.health.model_answers import CONSTANT_VIEWS, VIEWS, ModelAnswers
from tests.conftest import jpeg_of, road_frame
from tests.frame_policy import FramePolicy
from tests.live_server import LiveServer
from tests.model_files import pilotnet, saved
from tests.raw_client import RawClient, telemetry_packet
from tests.raw_messages import drive_past_views
from tests.server_process import ServerProcess

IDENTIFY = "`python -m models.identify MODEL RECORDING`"
DEGREES = '`--preprocess "..., steer=1/25"`'
FRAME = road_frame()


def reply(answer: float | None, image: bytes, speed_mph: float = 15.0) -> Reply:
    telemetry = Telemetry(FRAME, image, 0.0, 0.2, speed_mph)
    return Reply("steer", "{}", telemetry, answer=answer)


def strangeness(answers: Iterable[float], speed_mph: float = 15.0, simulators: int = 1) -> str | None:
    """What is said after these answers, each to another view; the simulators take turns."""
    model_answers = ModelAnswers("net.h5")
    for i, answer in enumerate(answers):
        model_answers.note(1 + i % simulators, reply(answer, str(i).encode(), speed_mph))
    return model_answers.strangeness()


def bends(size: float, count: int) -> list[float]:
    """Steering left and right along a winding road, at most `size`."""
    return [size * math.sin(i / 10) for i in range(count)]


def test_degrees_are_named_with_their_range_and_their_cure() -> None:
    text = strangeness(bends(25.0, VIEWS))
    assert text is not None
    assert text.startswith("net.h5 answers from -25 to 25, ")
    assert DEGREES in text
    assert IDENTIFY in text


@pytest.mark.parametrize("limit", [1.0, -1.0, 1.2])
def test_full_lock_on_nearly_every_view_is_named(limit: float) -> None:
    text = strangeness([0.3, 0.2, *[limit] * VIEWS])
    assert text is not None
    assert "nearly every view with full lock" in text
    assert IDENTIFY in text
    assert DEGREES not in text


def test_answers_that_never_vary_are_named() -> None:
    text = strangeness([0.25 + 4e-5 * (i % 2) for i in range(CONSTANT_VIEWS)])
    assert text is not None
    assert text.startswith("net.h5 answers 0.2500 to every view")
    assert IDENTIFY in text


@pytest.mark.parametrize(
    "answers",
    [
        bends(0.6, 1000),
        [*bends(1.4, 500), *[1.4] * 100],  # a long bend, tighter than the car can turn
        [0.0, *[1.0] * 20, *bends(0.4, 500)],
        [1e-3 * math.sin(i / 10) for i in range(1000)],  # a straight road
        [0.25] * (CONSTANT_VIEWS - 1),
        [12.5] * (VIEWS - 1),
        [],
    ],
)
def test_a_drive_is_not_strange(answers: list[float]) -> None:
    assert strangeness(answers) is None


@pytest.mark.parametrize("answer", [0.25, 1.0, 12.5])
def test_a_car_that_stands_says_nothing_of_its_model(answer: float) -> None:
    assert strangeness([answer] * 1000, speed_mph=0.1) is None


@pytest.mark.parametrize("answer", [0.25, 1.0, 12.5])
def test_the_same_view_again_and_frames_without_an_answer_do_not_count(answer: float) -> None:
    model_answers = ModelAnswers("net.h5")
    for i in range(1000):
        model_answers.note(1, reply(answer, b"the same"))
        model_answers.note(2, reply(None, str(i).encode()))
        model_answers.note(3, Reply("manual", "{}"))
    assert model_answers.strangeness() is None


def test_many_cars_in_one_bend_are_no_reason_yet() -> None:
    assert strangeness([1.0] * (VIEWS * 8 - 1), simulators=8) is None
    assert strangeness([1.0] * VIEWS * 8, simulators=8) is not None


class Degrees(FramePolicy):
    """A policy that answers a grey frame by its brightness, -25..25."""

    def predict(self, frames: np.ndarray) -> np.ndarray:
        return np.float32([(frames.mean() / 127.5 - 1) * 25])


def test_the_page_names_the_model_until_another_takes_over() -> None:
    server = LiveServer(Degrees())
    try:
        findings = lambda: json.loads(server.get("/api/status").body)["doctor"]  # noqa: E731
        drive_past_views(server.port, VIEWS)
        server.wait_until(lambda: DEGREES in findings()[0]["text"])
        assert findings()[0]["level"] == "bad"
        assert findings()[0]["text"].startswith("brightness.h5 answers from -25 to ")
        server.models.swap("other.h5").join(60)
        assert "answers" not in json.dumps(findings())
        drive_past_views(server.port, VIEWS)
        server.wait_until(lambda: "other.h5 answers nearly every view with full lock" in json.dumps(findings()))
    finally:
        server.close()


@pytest.mark.slow
def test_a_real_server_names_such_a_model_once(tmp_path: Path) -> None:
    path, text = saved(pilotnet(0.5, 12.5, "linear"), tmp_path / "net.h5"), "Does it answer in degrees?"
    with ServerProcess("server/drive.py", str(path), "--port", "0") as server:
        drive_past_views(server.port, VIEWS + 5)
        time.sleep(0.5)  # two looks of the console's status
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/status") as answer:
            status = json.load(answer)
        assert text in status["doctor"][0]["text"]
        assert server.log().count(text) == 1


@pytest.mark.slow
def test_a_real_server_has_nothing_to_say_of_a_shipped_model() -> None:
    with ServerProcess("server/drive.py", "models/eff.h5", "--port", "0") as server:
        with RawClient(server.port, timeout_s=20) as client:
            for i in range(CONSTANT_VIEWS + 5):
                client.send(telemetry_packet(jpeg_of(road_frame(math.sin(i / 40))), 15.0))
                client.receive_until(b'42["steer"')
        time.sleep(0.5)
        assert IDENTIFY not in server.log()
        assert "listening" in server.ready_line
