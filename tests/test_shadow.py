"""The shadow: compares what it is told, keeps the worst of each place, and never stands in the way."""

import json
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest

from protocol.messages import Control, Telemetry
from server.core.observer import AnsweredFrame
from server.observers.shadow import SAME_PLACE_S, WORST_KEPT, Shadow
from tests.conftest import jpeg_of
from tests.frame_policy import FramePolicy

JPEG = jpeg_of(np.zeros((160, 320, 3), np.uint8))


class Says(FramePolicy):
    """A policy that answers the mean of a frame's first pixel row / 100, and notes when it has."""

    def __init__(self):
        self.may = threading.Event()
        self.may.set()
        self.call = threading.Event()

    def predict(self, frames):
        self.call.set()
        assert self.may.wait(60)
        return np.float32([frames[0, 0].mean() / 100])


def answer(difference, time_s, simulator=1):
    frame = np.full((160, 320, 3), round(difference * 100), np.uint8)
    return AnsweredFrame(simulator, Telemetry(frame, JPEG, 0.0, 0.2, 12.0), Control(0.0, 0.3), time_s, 1.5)


@pytest.fixture
def shadow():
    second = Shadow("second.h5", Says())
    yield second
    second.close()


def compare(shadow, frame):
    """Hand over one and wait until it is compared."""
    before, limit = shadow.compared, threading.Event()
    shadow.answered(frame)
    for _ in range(60_000):
        if shadow.compared > before:
            return
        limit.wait(0.001)
    raise AssertionError("it was not compared")


def test_mean_p95_and_the_worst_of_each_place(shadow):
    for i in range(100):
        compare(shadow, answer(i / 100, 1000 + i / 20))
    figures = shadow.figures()
    assert figures["compared"] == 100
    assert figures["mean"] == pytest.approx(0.495, abs=1e-3)
    assert figures["p95"] == pytest.approx(0.9405, abs=1e-3)
    assert figures["max"] == pytest.approx(0.99, abs=1e-3)
    worst = shadow.worst()
    assert worst[0].difference == pytest.approx(0.99, abs=1e-3)
    times = sorted(disagreement.time_s for disagreement in worst)
    assert all(b - a >= SAME_PLACE_S for a, b in pairwise(times))
    for i in range(2 * WORST_KEPT):
        compare(shadow, answer(0.5, 2000 + 10 * i))
    assert len(shadow.worst()) == WORST_KEPT
    assert shadow.picture(0) == JPEG
    with pytest.raises(LookupError, match="8 pictures"):
        shadow.picture(WORST_KEPT)


def test_a_slow_shadow_leaves_frames_out_and_holds_nobody_up(shadow):
    shadow._policy.may.clear()
    shadow.answered(answer(0.1, 1.0))
    assert shadow._policy.call.wait(60)
    for i in range(50):
        shadow.answered(answer(0.2, 2.0 + i))
    assert shadow.left_out == 49
    shadow._policy.may.set()


def test_what_it_found_is_saved(shadow, tmp_path):
    assert shadow.save(tmp_path) is None
    assert "no frame" in shadow.summary()
    compare(shadow, answer(0.25, 1.0))
    folder = shadow.save(tmp_path)
    assert folder.name.endswith("-shadow")
    (picture,) = folder.glob("worst-1_by_0.250_*.jpg")
    assert picture.read_bytes() == JPEG
    assert json.loads((folder / "shadow.json").read_text())["compared"] == 1


def test_a_failing_shadow_ends_alone(tmp_path):
    class Fails(FramePolicy):
        def predict(self, frames):
            raise RuntimeError("a bug")

    shadow = Shadow("bad.h5", Fails())
    shadow.answered(answer(0.1, 1.0))
    shadow._thread.join(60)
    shadow.answered(answer(0.1, 1.1))
    assert shadow.figures()["error"] == "RuntimeError: a bug"
    shadow.close()


class Stepwise(Shadow):
    """Reads and writes the frame that waits in steps, between which threads may take turns."""

    @property
    def _next(self):
        return self._waiting

    @_next.setter
    def _next(self, value):
        self._waiting = value


def test_each_frame_is_compared_or_counted_as_left_out():
    class Instant(FramePolicy):
        def predict(self, frames):
            return np.float32([0.0])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the two threads meet at every step
    shadow = Stepwise("quick.h5", Instant())
    try:
        frame, limit = answer(0.0, 1.0), threading.Event()
        for _ in range(20_000):
            shadow.answered(frame)
        while shadow._next is not None:
            limit.wait(0.01)
    finally:
        sys.setswitchinterval(interval)
        shadow.close()  # the one in hand is compared
    assert shadow.compared + shadow.left_out == 20_000


def test_a_model_that_hangs_does_not_hang_the_end(shadow, monkeypatch, caplog):
    monkeypatch.setattr("server.observers.shadow.CLOSE_S", 0.05)
    shadow._policy.may.clear()
    shadow.answered(answer(0.1, 1.0))
    assert shadow._policy.call.wait(60)
    shadow.close()
    assert "no answer for" in caplog.text
    shadow._policy.may.set()
