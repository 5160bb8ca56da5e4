"""Films are read back with PyAV: their times, their colours, their size and what is drawn on them."""

from __future__ import annotations

import contextlib
import io
import pickle
import signal
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from film import process
from film.film import Film
from film.overlay import Shot
from film.process import AnswerPace
from film.timeline import FrameLimit, Timeline
from film.writer import FilmWriter
from protocol.messages import Control
from simulator.render.scene import Scene
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld
from tests.driven_laps import lap_position
from tests.films import SHOT, read_film


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


def test_a_path_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "a.mp4", tmp_path / "file" / "a.mp4"):
        with pytest.raises(OSError, match=r"a\.mp4"):
            Film(path, "eff.h5")
    with pytest.raises(ValueError, match="must end in"):
        Film(tmp_path / "film.avi", "eff.h5")


def test_a_drive_without_frames_leaves_no_file(tmp_path):
    film = Film(tmp_path / "film.mp4", "eff.h5")
    film.close()
    assert list(tmp_path.iterdir()) == []
