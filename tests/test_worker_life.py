"""Heartbeats tell a worker that hangs from one that is slow to start, busy, or idle."""

import os
import signal
import socket
import threading

import pytest

if not hasattr(socket, "send_fds"):
    pytest.skip("no workers on this system", allow_module_level=True)

from eventlet import tpool

from server.net.channel import Channel
from server.net.green import Gate, in_thread, spawn
from server.workers.messages import Alive, Beat
from server.workers.process import HUNG_BEATS, SILENT_BEATS, START_BEATS, WorkerProcess
from server.workers.worker import Worker
from tests.server_process import ROOT
from tests.worker_orders import first_order, wait_until

THREADS = 50
"""More than eventlet starts for `in_thread`."""

MODEL = ROOT / "models" / "eff-small.tflite"


@pytest.fixture
def worker():
    """A worker process whose reports are taken, and which nobody but the test sends heartbeats."""
    process = WorkerProcess(first_order(0, MODEL))
    ended = Gate()

    def attend() -> None:
        for report, _ in process.channel.messages():
            process.take(report)
        ended.open()

    spawn(attend)
    yield process
    process.kill()
    ended.wait()
    process.bury()


@pytest.mark.slow
def test_a_worker_that_answers_may_live_through_any_number_of_heartbeats(worker):
    wait_until(lambda: worker.ready)
    for _ in range(3 * HUNG_BEATS):
        worker.beat()
        wait_until(lambda: worker._unanswered == 0)
    assert worker.state == "ready"
    assert not worker.hung


@pytest.mark.slow
def test_a_stopped_worker_is_silent_and_then_killed(worker, caplog):
    wait_until(lambda: worker.ready)
    os.kill(worker.pid, signal.SIGSTOP)
    states = []
    for _ in range(HUNG_BEATS):
        states.append(worker.state)
        worker.beat()
    assert states == ["ready"] * SILENT_BEATS + ["silent"] * (HUNG_BEATS - SILENT_BEATS)
    assert not worker.hung
    worker.beat()
    assert worker.hung
    wait_until(lambda: worker.channel.closed)
    worker.beat()
    assert caplog.text.count("worker 1 answers nothing for 10 s, so it is killed") == 1


def test_a_worker_that_never_becomes_ready_is_killed_later(worker, caplog):
    os.kill(worker.pid, signal.SIGSTOP)
    for _ in range(START_BEATS):
        worker.beat()
    assert (worker.state, worker.hung) == ("starting", False)
    worker.beat()
    assert worker.hung
    assert "worker 1 was not ready for 300 s, so it is killed" in caplog.text


def test_a_worker_whose_threads_are_all_blocked_answers_no_heartbeat():
    first, second = (Channel(end) for end in socket.socketpair())
    worker = Worker(first_order(0, MODEL), second)
    reports: list[object] = []

    def read() -> None:
        for report, _ in first.messages():
            reports.append(report)

    spawn(read)
    release = threading.Event()
    try:
        for _ in range(THREADS):
            spawn(in_thread, release.wait)
        worker.obey(Beat(), None)
        second.send("a later report")
        wait_until(lambda: reports)
        assert reports == ["a later report"]
        release.set()
        wait_until(lambda: len(reports) == 2)
        assert reports[1] == Alive()
    finally:
        release.set()
        first.close()
        worker.close()
        tpool.killall()  # its threads report to this thread's loop
