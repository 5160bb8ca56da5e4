"""Films are read back with PyAV: their times, their colours and what is drawn on them."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pickle
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from film import process
from film.film import QUEUE_LENGTH, Film, free_path, hurry
from film.overlay import Shot
from film.process import NICENESS, AnswerPace, lower_priority
from film.timeline import FrameLimit, Timeline
from film.writer import FilmWriter
from inference.conversion import saliency_file
from inference.engine import Engine
from protocol.messages import Control, Telemetry
from server.core.observer import AnsweredFrame
from server.drive import mark_film
from server.model.slot import LoadedModel
from server.observers.drive_film import DriveFilm
from simulator.render.scene import Scene
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld
from tests.conftest import road_frame
from tests.driven_laps import lap_position
from tests.films import read_film

SHOT = Shot(0.0, road_frame(), 0.2, 0.5, 15.0, 1.8)
ROOT = Path(__file__).resolve().parent.parent


def wait_for(film: Film) -> None:
    film._thread.join(60)
    assert not film._thread.is_alive()


def test_irregular_frames_stand_at_their_true_times(tmp_path):
    times_s = 1.6e9 + np.cumsum(np.random.default_rng(1).uniform(0.034, 0.3, 60))
    film = Film(tmp_path / "film.mp4", "eff.h5")
    for time_s in times_s:
        film.add(replace(SHOT, time_s=float(time_s)))
    film.close()
    assert film.error is None
    assert film.dropped == 0
    shown_s, _, length_s = read_film(film.path)
    np.testing.assert_allclose(shown_s, times_s - times_s[0], atol=1e-4)
    last_step_s = times_s[-1] - times_s[-2]
    assert length_s == pytest.approx(times_s[-1] - times_s[0] + last_step_s, abs=0.01)


def test_the_film_plays_everywhere(tmp_path):
    writer = FilmWriter(tmp_path / "film.mp4", "eff.h5")
    for i in range(50):
        writer.write(replace(SHOT, time_s=0.1 * i))
    writer.close()
    with av.open(str(writer.path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 640, 400)
        assert stream.frames == 50
        assert float(stream.average_rate) == pytest.approx(10)
        keys_s = [float(p.pts * p.time_base) for p in container.demux(stream) if p.is_keyframe and p.pts is not None]
    assert np.diff(keys_s).max() < 1.2
    assert len(keys_s) == 5


def test_colours_and_instruments_survive(tmp_path):
    writer = FilmWriter(tmp_path / "film.mp4", "eff.h5")
    for i, steering in enumerate((-0.8, 0.8)):
        writer.write(replace(SHOT, time_s=2.0 * i, steering=steering))
    writer.close()
    _, (left, right), _ = read_film(writer.path)
    for row, column in ((20, 160), (90, 10), (140, 160)):  # sky, grass, road
        np.testing.assert_allclose(left[2 * row, 2 * column], SHOT.frame[row, column], atol=8)
    difference = np.abs(left.astype(int) - right.astype(int)).max(axis=2)
    assert difference[320:, :190].max() > 100
    assert difference[:310].mean() < 1


def test_pauses_are_cut_and_steps_of_the_clock_do_not_stop_the_film():
    timeline = Timeline()
    placed = [timeline.place(t) for t in (100.0, 100.1, 101.9, 160.0, 160.1, 50.0, 50.1, 50.1)]
    np.testing.assert_allclose(placed, [0.0, 0.1, 1.9, 2.4, 2.5, 3.0, 3.1, 3.6])


@pytest.mark.parametrize(("rate_hz", "kept_hz"), [(500, 30), (60, 30), (22, 22), (10, 10), (1000, 30)])
def test_at_most_thirty_pictures_a_second_are_kept(rate_hz, kept_hz):
    limit = FrameLimit(30.0)
    jitter_s = np.random.default_rng(0).uniform(-0.001, 0.001, 10 * rate_hz)
    times_s = np.sort(5.0 + np.arange(10 * rate_hz) / rate_hz + jitter_s)
    count = sum(limit.admits(float(t)) for t in times_s)
    assert count == pytest.approx(10 * kept_hz, abs=2)


def test_a_clock_set_back_does_not_end_the_film():
    limit = FrameLimit(30.0)
    assert limit.admits(1000.0)
    assert not limit.admits(1000.01)
    assert limit.admits(100.0)
    assert limit.admits(100.05)


def test_the_rate_counts_answers_not_pictures():
    pace = AnswerPace()
    shown = [pace.after(i / 25, 20 * i, 40.0 * i) for i in range(100)]
    assert shown[0] == (None, None)
    assert shown[-1] == pytest.approx((500, 2.0))
    assert pace.after(60.0, 2000, 4000.0) == (None, None)


def test_one_slow_answer_does_not_become_the_latency(tmp_path, monkeypatch):
    """The mean of the last second of all answers stands on the film, also of those between its pictures."""
    shown: list[float | None] = []
    monkeypatch.setattr(FilmWriter, "write", lambda self, shot, rate_hz: shown.append(shot.latency_ms))
    monkeypatch.setattr(Film, "_send_pictures", lambda self: None)
    monkeypatch.setattr(signal, "signal", lambda number, action: None)
    monkeypatch.setattr(process, "lower_priority", lambda: None)
    film = Film(tmp_path / "film.mp4", "eff.h5")
    for i in range(120):  # 60 answers a second, of which one takes 62 ms
        film.add(replace(SHOT, time_s=i / 60, latency_ms=62.0 if i == 40 else 2.0))
    pipe = io.BytesIO()
    while film._queue.qsize():
        pickle.dump(film._queue.get(), pipe)
    pipe.seek(0)
    assert process.main(tmp_path / "other.mp4", "eff.h5", pipe) == 0
    film._encoder.communicate()
    known = [value for value in shown if value is not None]
    assert len(known) > 40
    assert known[0] == known[-1] == pytest.approx(2.0)
    assert max(known) == pytest.approx(3.5, abs=0.05), "one of 62 ms among 39 of 2 ms"


def megabytes_a_minute(path: Path, frames: list[np.ndarray], rate_hz: float) -> float:
    writer = FilmWriter(path, "eff.h5")
    for i, frame in enumerate(frames):
        shot = Shot(i / rate_hz, frame, np.sin(i / 10), 0.3, 15.0, 2.0, lap_position(0.2 * i))
        writer.write(shot, 25.0)
    writer.close()
    return path.stat().st_size / 1e6 / (len(frames) / rate_hz / 60)


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [10.0, 30.0])
def test_a_minute_takes_less_than_8_mb_whatever_it_shows(tmp_path, rate_hz):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (160, 320, 3), np.uint8) for _ in range(300)]
    assert megabytes_a_minute(tmp_path / "film.mp4", noise, rate_hz) < 8.5, "nothing real is as hard as noise"


@pytest.mark.slow
def test_a_minute_of_a_drawn_drive_takes_less_than_8_mb_and_looks_like_it(tmp_path):
    with contextlib.closing(Scene(open_track("lake"))) as scene:
        world = TrackWorld(open_track("lake"), scene, 1)
        frames = []
        for _ in range(300):
            world.apply(Control(0.0, 0.5))
            world.step(1 / 30)
            frames.append(world.frame())
    path = tmp_path / "film.mp4"
    assert 2 < megabytes_a_minute(path, frames, 30.0) < 8
    _, pictures, _ = read_film(path)
    camera = Image.fromarray(frames[250]).resize((640, 320), Image.Resampling.BICUBIC)
    error = (pictures[250][:320].astype(int) - np.asarray(camera))[:, :300]
    assert np.sqrt((error**2).mean()) < 12


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


def test_a_path_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "a.mp4", tmp_path / "file" / "a.mp4"):
        with pytest.raises(OSError, match=r"a\.mp4"):
            Film(path, "eff.h5")
    with pytest.raises(ValueError, match="must end in"):
        Film(tmp_path / "film.avi", "eff.h5")


def test_a_bad_frame_ends_the_film_with_a_word(tmp_path):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film.add(SHOT)
    film.add(replace(SHOT, time_s=1.0, frame=np.zeros((10, 10, 3), np.uint8)))
    film.close()
    assert film.error is not None
    assert "(10, 10, 3)" in film.error
    assert len(read_film(film.path)[0]) == 1


@pytest.mark.slow
def test_what_the_model_looks_at_is_marked_from_one_picture_on(tmp_path):
    film = DriveFilm(tmp_path / "film.mp4", "eff.h5")
    telemetry = Telemetry(SHOT.frame, b"", 0.0, 0.0, 10.0)
    eff = saliency_file(ROOT / "models" / "eff.h5")
    for time_s, file in ((0.0, None), (0.1, eff), (0.2, eff), (0.3, None)):
        film.mark(file)
        film.answered(AnsweredFrame(1, telemetry, Control(0.1, 0.2), time_s, 1.5))
    film.close()
    _, pictures, _ = read_film(film.path)
    pink = [np.count_nonzero(p[:320, :, 0].astype(int) - p[:320, :, 1] > 100) for p in pictures]
    assert pink[0] == pink[3] == 0
    assert min(pink[1:3]) > 500


def test_a_film_goes_on_unmarked_where_the_next_model_cannot_be_looked_into(tmp_path, caplog):
    film = DriveFilm(tmp_path / "film.mp4", "eff.h5")
    film.mark(tmp_path / "of the model before")
    engine = Engine("test", "CPU", (), lambda frames: np.zeros(len(frames), np.float32))
    (tmp_path / "finished.tflite").write_bytes(bytes(4) + b"TFL3")
    mark_film(film, LoadedModel(tmp_path / "finished.tflite", engine))
    film.answered(AnsweredFrame(1, Telemetry(SHOT.frame, b"", 0.0, 0.0, 10.0), Control(0.1, 0.2), 0.0, 1.5))
    film.close()
    assert "without marks: finished.tflite shows only its answer" in caplog.text
    assert len(read_film(film.path)[0]) == 1


def test_a_drive_without_frames_leaves_no_file(tmp_path):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film.close()
    assert list(tmp_path.iterdir()) == []


def test_another_drives_film_is_kept(tmp_path):
    path = tmp_path / "drive.mp4"
    assert free_path(path) == path
    path.write_bytes(b"precious")
    assert free_path(path) == tmp_path / "drive-2.mp4"
    (tmp_path / "drive-2.mp4").write_bytes(b"")  # an empty file is what a killed start leaves
    film = DriveFilm(path, "eff.h5")
    film.close()
    assert path.read_bytes() == b"precious"


def test_one_simulator_is_filmed_until_it_falls_silent(tmp_path):
    film = DriveFilm(tmp_path / "drive.mp4", "eff.h5")
    telemetry = Telemetry(SHOT.frame, b"", 0.0, 0.0, 10.0)
    for simulator, time_s in ((1, 0.0), (2, 0.05), (1, 0.1), (2, 0.15), (2, 3.0), (2, 3.1), (1, 3.15)):
        film.answered(AnsweredFrame(simulator, telemetry, Control(0.1, 0.2), time_s, 1.5))
    film.close()
    np.testing.assert_allclose(read_film(film.path)[0], [0.0, 0.1, 0.6, 0.7], atol=1e-4)


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


def test_a_view_that_is_answered_twice_is_filmed_once(tmp_path):
    film = DriveFilm(tmp_path / "drive.mp4", "eff.h5")
    telemetry = Telemetry(SHOT.frame, b"", 0.0, 0.0, 10.0)
    for time_s, fresh in ((0.0, True), (0.05, False), (0.1, True), (0.15, False)):
        film.answered(AnsweredFrame(1, telemetry, Control(0.1, 0.2), time_s, 1.5, fresh))
    film.close()
    np.testing.assert_allclose(read_film(film.path)[0], [0.0, 0.1], atol=1e-4)


def test_the_film_of_a_drive_shows_what_its_simulator_reports(tmp_path):
    film = DriveFilm(tmp_path / "drive.mp4", "eff.h5")
    for i, extras in enumerate(({}, {"lapNumber": "2", "cte": "0.4", "pos_x": "1.0", "pos_z": "2.0"})):
        telemetry = Telemetry(SHOT.frame, b"", 0.0, 0.0, 10.0, extras)
        film.answered(AnsweredFrame(1, telemetry, Control(0.1, 0.2), 0.5 * i, 1.5))
    film.close()
    _, (stock, reported), _ = read_film(film.path)
    difference = np.abs(stock.astype(int) - reported).max(axis=2)
    assert difference[10:110, 400:630].mean() > 50
    assert difference[130:320].mean() < 3
