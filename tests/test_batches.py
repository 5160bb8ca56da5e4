"""Who comes meanwhile is answered together, each with its own answer; who is alone never waits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from inference.batches import SIZES, Batches


def frame(level: int) -> np.ndarray:
    return np.full((1, 160, 320, 3), level, np.uint8)


class Slow:
    """Answers a frame's level; each batch with company waits for `go`. `sizes`: of the batches so far."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.busy, self.go = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def __call__(self, frames):
        self.sizes.append(len(frames))
        if frames.any():
            self.busy.set()
            assert self.go.wait(10)
            if self.error:
                raise self.error
        return frames[:, 0, 0, 0].astype(np.float32)


@pytest.fixture
def slow():
    return Slow()


def ask_while_busy(slow, batches, levels):
    """The answers to `levels`, all asked while an earlier frame is being answered."""
    with ThreadPoolExecutor(len(levels) + 1) as pool:
        first = pool.submit(batches.predict, frame(200))
        assert slow.busy.wait(10)
        others = [pool.submit(batches.predict, frame(level)) for level in levels]
        while len(batches._waiting) < len(levels):
            time.sleep(0)
        slow.go.set()
        assert first.result() == 200
        return [float(future.result()[0]) for future in others]


def test_each_size_is_tried_before_anybody_asks(slow):
    Batches(slow)
    assert slow.sizes == list(SIZES)


def test_frames_that_come_meanwhile_are_one_batch_filled_up(slow):
    assert ask_while_busy(slow, Batches(slow), [1, 2, 3]) == [1.0, 2.0, 3.0]
    assert slow.sizes[len(SIZES) :] == [1, 4]


def test_more_than_the_largest_batch_are_answered_in_turns(slow):
    levels = list(range(1, 12))
    assert ask_while_busy(slow, Batches(slow), levels) == levels
    assert slow.sizes[len(SIZES) :] == [1, 8, 4]


def test_a_failure_is_everybodys_who_was_in_it_and_nobody_elses(slow):
    batches = Batches(slow)
    slow.error = RuntimeError("out of cheese")
    with pytest.raises(RuntimeError, match="cheese"):
        ask_while_busy(slow, batches, [1])
    slow.error = None
    assert batches.predict(frame(7)) == 7


def test_only_company_waits_for_more(slow, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("inference.batches.time.sleep", slept.append)
    batches = Batches(slow, delay_s=0.002)
    slow.go.set()
    for _ in range(3):
        batches.predict(frame(9))
    assert not slept
    slow.go.clear()
    slow.busy.clear()
    ask_while_busy(slow, batches, [1, 2])
    batches.predict(frame(9))
    assert slept.count(0.002) == 1
