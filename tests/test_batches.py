"""Who comes meanwhile is answered together, each with its own answer; who is alone never waits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from inference.batches import Batches
from inference.compiled.network import IN_FLIGHT, CompiledNetwork, Compiler


def frame(level: int) -> np.ndarray:
    return np.full((1, 160, 320, 3), level, np.uint8)


class Slow:
    """A network that answers with a frame's level. Its batches wait for `go`; `sizes` lists those so far, filled up."""

    def __init__(self, *ready: int) -> None:
        self.sizes: list[int] = []
        self.busy, self.go = threading.Semaphore(0), threading.Event()
        self.error: Exception | None = None
        self.network = CompiledNetwork(Compiler(self.build, (slice(0, 2), slice(0, 2)), (2, 2, 3)))
        self.network.prepare().join()

    def build(self, size: int):
        def start(frames):
            assert frames.shape == (size, 2, 2, 3)
            self.sizes.append(size)
            self.busy.release()
            levels = frames[:, 0, 0, :1].astype(np.float32)

            def finish():
                assert self.go.wait(60)
                if self.error:
                    raise self.error
                return levels

            return finish

        return start


@pytest.fixture
def slow():
    return Slow()


def ask_while_busy(slow, batches, levels):
    """The answers to `levels`, all asked while the GPU answers as many batches as it takes at once."""
    with ThreadPoolExecutor(len(levels) + IN_FLIGHT) as pool:
        first = []
        for _ in range(IN_FLIGHT):
            first.append(pool.submit(batches.predict, frame(200)))
            assert slow.busy.acquire(timeout=60)
        others = [pool.submit(batches.predict, frame(level)) for level in levels]
        while len(batches._waiting) < len(levels):
            time.sleep(0)
        slow.go.set()
        assert [future.result().tolist() for future in first] == [[[200.0]]] * IN_FLIGHT
        return [float(future.result()[0, 0]) for future in others]


def test_frames_that_come_meanwhile_are_one_batch_filled_up(slow):
    assert ask_while_busy(slow, Batches(slow.network.run, slow.network), [1, 2, 3]) == [1.0, 2.0, 3.0]
    assert slow.sizes == [1] * IN_FLIGHT + [4]


def test_more_than_the_largest_batch_are_answered_in_turns(slow):
    levels = list(range(1, 71))
    assert ask_while_busy(slow, Batches(slow.network.run, slow.network), levels) == levels
    assert sorted(slow.sizes[IN_FLIGHT:]) == [8, 64], "64 and 6, filled up; both at once"


def test_a_failure_is_everybodys_who_was_in_it_and_nobody_elses(slow):
    batches = Batches(slow.network.run, slow.network)
    slow.error = RuntimeError("out of cheese")
    with pytest.raises(RuntimeError, match="cheese"):
        ask_while_busy(slow, batches, [1])
    slow.error = None
    assert batches.predict(frame(7)) == 7


def test_one_frame_at_a_time_is_answered_alone_and_others_meanwhile_by_the_network(slow):
    alone_busy, alone_go = threading.Event(), threading.Event()

    def alone(frames):
        alone_busy.set()
        assert alone_go.wait(60)
        return np.full((1, 1), -1, np.float32)

    batches = Batches(alone, slow.network)
    slow.go.set()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(batches.predict, frame(1))
        assert alone_busy.wait(60)
        assert batches.predict(frame(2)) == 2
        assert batches.predict(frame(3)) == 3
        assert not first.done()
        alone_go.set()
        assert first.result() == -1
    assert batches.predict(frame(4)) == -1


def test_only_company_waits_for_more(slow, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("inference.batches.time.sleep", slept.append)
    batches = Batches(slow.network.run, slow.network, delay_s=0.002)
    slow.go.set()
    for _ in range(3):
        batches.predict(frame(9))
    assert not slept
    slow.go.clear()
    while slow.busy.acquire(blocking=False):
        pass
    ask_while_busy(slow, batches, [1, 2])
    batches.predict(frame(9))
    assert slept.count(0.002) == 1


def test_many_threads_get_their_own_answers(slow):
    batches = Batches(slow.network.run, slow.network)
    slow.go.set()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: float(batches.predict(frame(i % 200))[0, 0]), range(2000)))
    assert answers == [i % 200 for i in range(2000)]
    assert batches._flying == 0
    assert not batches._waiting
