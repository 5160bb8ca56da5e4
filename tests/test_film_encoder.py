"""The process that encodes a film is slow, stalls or fails, and the drive goes on."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from film.film import QUEUE_LENGTH, Film, hurry
from film.process import NICENESS, lower_priority
from tests.films import SHOT, read_film


def wait_for(film: Film) -> None:
    film._thread.join(60)
    assert not film._thread.is_alive()


@pytest.mark.skipif(os.name == "nt", reason="no signals to a process")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_to_all_processes_leaves_the_film_to_the_server(tmp_path, number):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    last_s = 0.0
    for _ in range(6000):  # until the first piece is written, and the process thus runs
        if film._queue.empty():
            film.add(replace(SHOT, time_s=last_s))
            last_s += 1 / 30
        hurry(film._encoder.pid)
        film._thread.join(0.01)
        if film.path.stat().st_size > 0:
            break
    film._encoder.send_signal(getattr(signal, number))
    last_s += 1.0
    film.add(replace(SHOT, time_s=last_s))
    film.close()
    assert film.error is None
    assert read_film(film.path)[0][-1] == pytest.approx(last_s, abs=0.05)


@pytest.mark.skipif(os.name == "nt", reason="no SIGSTOP")
def test_a_slow_encoder_drops_and_never_blocks(tmp_path):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film._encoder.send_signal(signal.SIGSTOP)
    start = time.perf_counter()
    for i in range(200):
        film.add(replace(SHOT, time_s=0.05 * i))
    assert time.perf_counter() - start < 5.0, "a film that waits for its encoder waits for ever here"
    assert 200 - QUEUE_LENGTH - 2 <= film.dropped <= 200 - QUEUE_LENGTH, "one or two are in the pipe"
    film._encoder.send_signal(signal.SIGCONT)
    film.close()
    assert film.error is None
    assert len(read_film(film.path)[0]) == 200 - film.dropped


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone runs the encoder on idle processor time")
def test_an_encoder_that_stalls_at_the_end_is_given_up_and_one_that_goes_on_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr("film.film.STALLED_S", 0.3)
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film.add(SHOT)
    while os.sched_getscheduler(film._encoder.pid) != os.SCHED_IDLE:
        film._thread.join(0.01)
    os.kill(film._encoder.pid, signal.SIGSTOP)
    for i in range(10):
        film.add(replace(SHOT, time_s=1.0 + i))
    film.close()
    assert "pictures still wait" in film.error
    assert os.sched_getscheduler(film._encoder.pid) == os.SCHED_OTHER
    os.kill(film._encoder.pid, signal.SIGCONT)
    wait_for(film)
    assert len(read_film(film.path)[0]) == 11


@pytest.mark.skipif(os.name == "nt", reason="no SIGSTOP")
def test_an_encoder_that_begins_when_the_drive_ends_is_hurried_until_it_obeys(tmp_path, monkeypatch):
    """Its first act is to lower its priority."""
    calls, hurried = [], threading.Event()

    def hurry(pid):
        calls.append(pid)
        if len(calls) == 3:
            hurried.set()

    monkeypatch.setattr("film.film.hurry", hurry)
    monkeypatch.setattr("film.film.STALLED_S", 60.0)  # the process that really hurries nothing may be slow
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film._encoder.send_signal(signal.SIGSTOP)
    film.add(SHOT)
    closing = threading.Thread(target=film.close)
    closing.start()
    try:
        assert hurried.wait(5), "not only once it seems to have stalled"
    finally:
        film._encoder.send_signal(signal.SIGCONT)
        closing.join()
    assert set(calls) == {film._encoder.pid}
    assert film.error is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's scheduler")
def test_the_film_takes_only_time_that_nobody_wants_or_else_is_nice(monkeypatch):
    calls = []
    monkeypatch.setattr(os, "nice", calls.append)
    monkeypatch.setattr(os, "sched_setscheduler", lambda pid, policy, _: calls.append((pid, policy)))
    lower_priority()
    assert calls == [(0, os.SCHED_IDLE)]

    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbidden)
    lower_priority()
    assert calls[1:] == [NICENESS]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_ends_the_film_and_not_the_drive(tmp_path, caplog):
    path = tmp_path / "full.mp4"
    path.symlink_to("/dev/full")
    film = Film(path, "eff.h5")
    rng = np.random.default_rng(0)
    for i in range(60):
        film.add(replace(SHOT, time_s=0.1 * i, frame=rng.integers(0, 256, (160, 320, 3), np.uint8)))
    wait_for(film)
    film.add(replace(SHOT, time_s=100.0))
    film.close()
    assert film.error is not None
    assert "No space left" in film.error
    assert [r.levelno for r in caplog.records].count(logging.ERROR) == 1


def test_a_bad_frame_ends_the_film_with_a_word(tmp_path):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film.add(SHOT)
    film.add(replace(SHOT, time_s=1.0, frame=np.zeros((10, 10, 3), np.uint8)))
    film.close()
    assert film.error is not None
    assert "(10, 10, 3)" in film.error
    assert len(read_film(film.path)[0]) == 1


def test_a_picture_that_cannot_be_handed_over_ends_the_film_with_a_word(tmp_path, caplog):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film.add(replace(SHOT, frame=threading.Lock()))
    wait_for(film)
    film.add(replace(SHOT, time_s=1.0))
    film.close()
    assert film._encoder.returncode == 0, "its process is not left behind"
    assert film.error is not None
    assert film.error.startswith("TypeError: ")
    assert caplog.text.count("ends early, driving goes on") == 1
