"""The preview shows real training images with every variety, and trains nothing."""

import numpy as np
import pytest
from PIL import Image

from protocol.recording import read_recording
from tests.conftest import road_frame
from training import preview
from training.__main__ import main
from training.data.viewpoint import rows_to_read
from training.preview import TRAINING_DRAWS, make_tiles
from training.run.recipe import Recipe

ROWS = (80, 140)
STRONGEST = Recipe(shift_m=0.5, turn_deg=3.0)
STILL = Recipe(shift_m=0.0, turn_deg=0.0, horizon_rows=None, roll_deg=None)
HOODS = np.full((1, 6, 320, 3), 90, np.uint8)


def test_each_variety_is_named_and_carries_its_steering():
    first, end = rows_to_read(ROWS, STRONGEST)
    tiles = make_tiles(road_frame(0.2)[first:end], 0.1, ROWS, STILL, 1, HOODS)
    by_name = {tile.name: tile for tile in tiles}
    np.testing.assert_array_equal(by_name["original"].image, road_frame(0.2)[80:140])
    assert np.float32(-0.1) == by_name["flip"].steering
    assert by_name["0.5 m right (off)"].steering < 0.1 < by_name["0.5 m left (off)"].steering
    assert by_name["3° right (off)"].steering < 0.1 < by_name["3° left (off)"].steering
    assert {"horizon 57 (off)", "horizon 62 (off)", "roll 0° (off)", "roll 1.5° (off)"} <= set(by_name)
    assert by_name["shadow"].steering == np.float32(0.1)
    assert (by_name["other hood"].image[54:] == 90).all()
    assert sum(tile.name == "as trained" for tile in tiles) == TRAINING_DRAWS
    assert all(tile.image.shape == (60, 320, 3) and tile.image.dtype == np.uint8 for tile in tiles)
    own = make_tiles(road_frame(0.2)[first:end], 0.1, ROWS, STRONGEST, 1, HOODS)
    assert "0.5 m right" in {tile.name for tile in own}


@pytest.mark.slow
def test_the_command_draws_the_page_and_leaves_no_run(make_recording, tmp_path, monkeypatch):
    recording, out = make_recording(rows=40), tmp_path / "seen.png"
    monkeypatch.setattr(preview, "COLUMNS", 2)
    monkeypatch.chdir(tmp_path)
    assert main([str(recording), "--preview", str(out)]) == 0
    with Image.open(out) as page:
        assert page.size[0] > 500
        assert len(page.convert("RGB").getcolors(10**7)) > 100
    assert not (tmp_path / "runs").exists()


def test_a_folder_without_a_recording_has_no_preview(tmp_path, capsys):
    assert main([str(tmp_path / "nothing"), "--preview", str(tmp_path / "seen.png")]) == 2
    assert "no readable driving_log.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_training_on_an_image_of_another_size_ends_with_what_to_do(make_recording, tmp_path, capsys):
    recording = make_recording(rows=700)
    for sample in read_recording(recording).samples[::9]:
        Image.new("RGB", (640, 320)).save(sample.center)
    assert main([str(recording), "--epochs", "1", "--run", str(tmp_path / "run")]) == 2
    assert "find it with: python -m training.doctor RECORDING --exclude damaged" in capsys.readouterr().err
