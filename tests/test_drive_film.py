"""The film of a drive shows one simulator, each view once, what it reports and what the model looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from film.film import free_path
from inference.conversion import saliency_file
from inference.engine import Engine
from protocol.messages import Control, Telemetry
from server.core.observer import AnsweredFrame
from server.drive import mark_film
from server.model.slot import LoadedModel
from server.observers.drive_film import DriveFilm
from tests.films import SHOT, read_film

ROOT = Path(__file__).resolve().parent.parent


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
