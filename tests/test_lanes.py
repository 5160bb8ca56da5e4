"""Workers ask the first process's network through lanes: the same answers, at once, and errors that cost one frame."""

import contextlib
import multiprocessing
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from inference.engine import Engine, open_engine

if not hasattr(socket, "send_fds"):
    pytest.skip("no workers on this system", allow_module_level=True)

from server.workers.lanes import LaneError, LaneHost, Lanes, is_shared
from tests.conftest import road_frame

MODEL = Path(__file__).resolve().parent.parent / "models" / "eff-small.tflite"
FRAMES = [road_frame(shift)[np.newaxis] for shift in np.linspace(-1, 1, 24)]


@pytest.fixture(scope="module")
def engine():
    return open_engine(MODEL)


@pytest.fixture
def host(engine):
    host = LaneHost()
    host.engine = engine
    return host


@pytest.fixture
def lanes_to():
    """lanes_to(host, count) -> a worker's ends of its lanes."""
    with contextlib.ExitStack() as stack:
        yield lambda host, count: stack.enter_context(contextlib.closing(Lanes(host.open_lanes(count))))


def test_every_thread_gets_the_answer_to_its_own_frame(host, engine, lanes_to):
    lanes = lanes_to(host, 3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lanes.run, FRAMES))
    for frame, steering in zip(FRAMES, answers, strict=True):
        assert steering.shape == (1, 1)
        assert steering[0, 0] == pytest.approx(engine.predict(frame)[0], abs=1e-6)


def ask_in_child(files, results) -> None:
    lanes = Lanes(files)
    results.put([float(lanes.run(frame)[0, 0]) for frame in FRAMES[:5]])
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_another_process_sees_the_same_memory(host, engine):
    context = multiprocessing.get_context("fork")  # a child that inherits the descriptors, as workers do
    results = context.SimpleQueue()
    files = host.open_lanes(1)
    child = context.Process(target=ask_in_child, args=(files, results))
    child.start()
    files.close()
    assert results.get() == pytest.approx([float(engine.predict(frame)[0]) for frame in FRAMES[:5]], abs=1e-6)
    child.join(10)


def test_several_answers_are_made_at_once(lanes_to):
    meeting = threading.Barrier(3, timeout=10)

    def run(frames):
        meeting.wait()  # fails unless three are here together, as a batch needs
        return np.zeros((1, 2), np.float32)

    host = LaneHost()
    host.engine = Engine("test", "GPU", (), run)
    lanes = lanes_to(host, 3)
    with ThreadPoolExecutor(3) as pool:
        assert [answer.shape for answer in pool.map(lanes.run, FRAMES[:3])] == [(1, 2)] * 3


def test_a_failing_network_costs_that_frame_and_says_why(engine, lanes_to):
    fails = [True]

    def run(frames):
        if fails.pop():
            raise RuntimeError("out of cheese" * 1000)
        return engine.run(frames)

    host = LaneHost()
    lanes = lanes_to(host, 1)
    with pytest.raises(LaneError, match="there is no shared network"):
        lanes.run(FRAMES[0])
    host.engine = Engine("test", "GPU", (), run)
    with pytest.raises(LaneError, match="RuntimeError: out of cheese"):
        lanes.run(FRAMES[0])
    fails.append(False)
    assert lanes.run(FRAMES[0])[0, 0] == pytest.approx(engine.predict(FRAMES[0])[0], abs=1e-6)


def test_a_network_on_a_gpu_is_shared_and_one_on_the_cores_is_not(engine):
    def run(frames):
        return frames

    assert not is_shared(engine)
    assert is_shared(Engine("jax", "GPU", (), run))
    assert is_shared(Engine("litert", "CPU", (), run, together=object())), "the GPU answers what comes meanwhile"
    assert not is_shared(Engine("jax", "GPU", (), run, stack=3))
    assert not is_shared(Engine("jax", "GPU", (), run, measures=True))
