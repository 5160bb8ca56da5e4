"""Recordings become films and GIFs at true speed, and mistakes end with one line and exit code 2."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from film import __main__ as video
from film.gif import GifWriter
from film.lettering import ACCENT, GREEN
from film.overlay import CAMERA_ROWS, Overlay, Shot
from tests.conftest import jpeg_of, road_frame
from tests.films import read_film


def test_an_mp4_shows_every_row_at_its_time(make_recording, tmp_path, capsys):
    folder = make_recording(rows=20, sessions=2)
    out = tmp_path / "film.mp4"
    assert video.main([str(folder), "--out", str(out)]) == 0
    shown_s, pictures, length_s = read_film(out)
    assert len(shown_s) == 40
    np.testing.assert_allclose(shown_s[:20], 0.1 * np.arange(20), atol=1e-3)
    assert length_s == pytest.approx(1.9 + 0.5 + 1.9 + 0.1, abs=0.02)
    assert pictures[0][20, 320].tolist() == pytest.approx([120, 170, 230], abs=8)
    output = capsys.readouterr().out
    assert "4.3 s, 40 frames" in output
    assert f"{out.stat().st_size / 1e6:.2f} MB" in output


def test_a_stretch_and_a_camera_can_be_chosen(make_recording, tmp_path):
    folder = make_recording(rows=40)
    out = tmp_path / "film.mp4"
    assert video.main([str(folder), "--out", str(out), "--camera", "left", "--start", "1", "--end", "2"]) == 0
    assert 10 <= len(read_film(out)[0]) <= 11


def test_a_gif_runs_at_true_speed_in_its_own_colours(make_recording, tmp_path):
    folder = make_recording(rows=30)
    out = tmp_path / "film.gif"
    assert video.main([str(folder), "--out", str(out), "--width", "320"]) == 0
    with Image.open(out) as gif:
        assert gif.size == (320, 200)
        durations_ms = []
        for i in range(gif.n_frames):
            gif.seek(i)
            durations_ms.append(gif.info["duration"])
            assert np.abs(np.array(gif.convert("RGB"))[10, 160].astype(int) - (120, 170, 230)).max() < 12
    assert sum(durations_ms) == pytest.approx(3000, abs=20)


def test_a_gif_keeps_the_panels_small_marks_in_their_colours(make_recording, tmp_path):
    out = tmp_path / "film.gif"
    assert video.main([str(make_recording(rows=30)), "--out", str(out), "--width", "640"]) == 0
    with Image.open(out) as gif:
        panel = np.array(gif.convert("RGB"))[CAMERA_ROWS:].astype(int)
    for colour in (ACCENT, GREEN):
        assert np.abs(panel - colour).sum(axis=-1).min() < 40, colour


def test_a_gif_of_no_picture_leaves_no_file(tmp_path):
    GifWriter(tmp_path / "film.gif", "none", 320).close()
    assert not (tmp_path / "film.gif").exists()


def test_names_without_times_need_a_rate(tmp_path, capsys):
    (tmp_path / "IMG").mkdir()
    rows = []
    for i in range(5):
        (tmp_path / "IMG" / f"frame{i}.jpg").write_bytes(jpeg_of(road_frame()))
        rows.append(f"IMG/frame{i}.jpg,,,0.1,0.5,0,10")
    (tmp_path / "driving_log.csv").write_text("\n".join(rows))
    out = tmp_path / "film.mp4"
    assert video.main([str(tmp_path), "--out", str(out)]) == 2
    assert "--fps" in capsys.readouterr().err
    assert video.main([str(tmp_path), "--out", str(out), "--fps", "20"]) == 0
    np.testing.assert_allclose(read_film(out)[0], 0.05 * np.arange(5), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "film.avi"), ".mp4 or .gif"),
        (("--out", "film.mp4", "--start", "100"), "lasts 1.9 s"),
        (("--out", "film.mp4", "--fps", "0"), "--fps"),
        (("--out", "film.gif", "--width", "5000"), "--width"),
    ],
)
def test_mistakes_are_one_line_and_code_2(make_recording, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert video.main([str(make_recording()), *arguments]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("film: ")
    assert message in last


@pytest.mark.parametrize("name", ["none/film.mp4", "none/film.gif"])
def test_a_film_that_cannot_be_written_is_refused_at_once(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        video.main(["recording", "--out", name])
    assert f"--out: {name} cannot be written: there is no folder none" in capsys.readouterr().err


def test_a_gif_that_grows_too_long_ends_whole(make_recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("film.gif.MAX_PICTURES", 5)
    out = tmp_path / "film.gif"
    assert video.main([str(make_recording()), "--out", str(out)]) == 2
    assert "--end" in capsys.readouterr().err
    assert frames_in(out) == 5


def test_a_folder_without_a_recording_is_said(tmp_path, capsys):
    assert video.main([str(tmp_path), "--out", str(tmp_path / "a.mp4")]) == 2
    assert "driving_log.csv" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_ctrl_c_leaves_a_whole_file(make_recording, tmp_path, monkeypatch, suffix):
    folder, out, count = make_recording(), tmp_path / f"film.{suffix}", 0
    decode = video.decode_image

    def interrupted(image: bytes) -> np.ndarray:
        nonlocal count
        count += 1
        if count > 8:
            raise KeyboardInterrupt
        return decode(image)

    monkeypatch.setattr(video, "decode_image", interrupted)
    assert video.main([str(folder), "--out", str(out)]) == 130
    assert frames_in(out) == 8


def frames_in(path: Path) -> int:
    if path.suffix == ".mp4":
        return len(read_film(path)[0])
    with Image.open(path) as gif:
        return gif.n_frames


def test_images_without_a_log_are_filmed_by_the_times_in_their_names(tmp_path, capsys):
    """As Udacity's own drive.py leaves them; the panel shows dashes, not a steering of 0."""
    folder, out = tmp_path / "run1", tmp_path / "film.mp4"
    folder.mkdir()
    for i in range(5):
        (folder / f"2020_01_01_12_00_01_{200 * i:03d}.jpg").write_bytes(jpeg_of(road_frame()))
    assert video.main([str(folder), "--out", str(out)]) == 0
    shown_s, pictures, _ = read_film(out)
    np.testing.assert_allclose(shown_s, 0.2 * np.arange(5), atol=1e-3)
    assert "run1: 5 rows in 1 session\n  there is no driving_log.csv: steering" in capsys.readouterr().err
    unknown = Overlay("run1").panel(Shot(0.0, road_frame(), math.nan, math.nan, math.nan), 0.0)
    straight = Overlay("run1").panel(Shot(0.0, road_frame(), 0.0, 0.0, 0.0), 0.0)
    difference = np.abs(pictures[0][CAMERA_ROWS:].astype(int) - unknown).mean()
    assert difference < np.abs(pictures[0][CAMERA_ROWS:].astype(int) - straight).mean() / 2
