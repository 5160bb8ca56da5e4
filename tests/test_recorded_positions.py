"""What a simulator reported of the car's place is beside its recording, and a film of the recording shows it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from film import __main__ as video
from film.overlay import CAMERA_ROWS
from protocol.logs.recorded_positions import EXTRAS_NAME, RecordedPositions
from protocol.messages import Control, Telemetry
from protocol.position import NOWHERE, Position
from protocol.recording import read_recording
from server.core.observer import AnsweredFrame
from server.observers.run_recorder import RunRecorder
from tests.conftest import jpeg_of, road_frame
from tests.driven_laps import circle
from tests.films import read_film

FRAME = road_frame()
JPEG = jpeg_of(FRAME)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """20 s of a drive around a circle; its simulator reports from the third second on."""
    recorder = RunRecorder(tmp_path_factory.mktemp("runs") / "run", {})
    for i in range(200):
        x_m, y_m = circle(2.0 * i)
        extras = {"lapNumber": "1", "sim_time": f"{i / 10:.2f}", "pos_x": f"{x_m:.4f}", "pos_z": f"{y_m:.4f}"}
        telemetry = Telemetry(FRAME, JPEG, 0.0, 0.2, 12.0, extras if i >= 30 else {})
        recorder.answered(AnsweredFrame(1, telemetry, Control(0.0, 0.2), 1.7e9 + i / 10, 2.0))
    recorder.close()
    return recorder.folder


def names(folder):
    return [sample.center.name for sample in read_recording(folder).samples]


def test_each_image_has_the_position_reported_with_it(folder):
    images = names(folder)
    positions = RecordedPositions(folder, images[0])
    assert [positions.at(image) for image in images[:30]] == [NOWHERE] * 30
    for i in (30, 31, 199):
        x_m, y_m = circle(2.0 * i)
        assert positions.at(images[i]) == Position(
            lap=1, game_s=pytest.approx(i / 10), x_m=pytest.approx(x_m, abs=1e-4), y_m=pytest.approx(y_m, abs=1e-4)
        )
    assert positions.at("center_1999_01_01_00_00_00_000.jpg") is positions.at("frame.jpg") is NOWHERE


def test_a_recording_may_come_from_another_time_zone(folder, tmp_path):
    """Images are named by the clock of the computer that recorded them."""
    images = names(folder)
    lines = (folder / EXTRAS_NAME).read_text().splitlines()
    moved = [{**json.loads(line), "time_s": json.loads(line)["time_s"] - 5.75 * 3600} for line in lines]
    (tmp_path / EXTRAS_NAME).write_text("\n".join(json.dumps(line) for line in moved))
    assert RecordedPositions(tmp_path, images[0]).at(images[40]).game_s == pytest.approx(4.0)


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "null", "[" * 9_000, '{"time_s": NaN}', '{"time_s": "1"}', '{"time_s": 1e300}', "x" * 1_000_000, "\0",
     '{"time_s": 1700000003.0, "lapNumber": [1], "pos_x": {}}', '{"time_s": ' + "9" * 9_000 + "}"],
)  # fmt: skip
def test_lines_without_sense_say_nothing(folder, tmp_path, text):
    images = names(folder)
    (tmp_path / EXTRAS_NAME).write_text(text)
    positions = RecordedPositions(tmp_path, images[0])
    assert all(positions.at(image) is NOWHERE for image in images)


def test_the_film_of_a_recording_shows_the_map_where_it_was_reported(folder, tmp_path):
    out = tmp_path / "film.mp4"
    assert video.main([str(folder), "--out", str(out)]) == 0
    _, pictures, _ = read_film(out)
    plain, mapped = pictures[10][:CAMERA_ROWS].astype(int), pictures[150][:CAMERA_ROWS].astype(int)
    difference = np.abs(plain - mapped).max(axis=-1)
    assert difference[10:110, -100:].mean() > 50, "the card covers the sky"
    assert difference[130:].mean() < 3
