"""Camera places and turning, told from frames alone: in the built-in world, where both are known."""

import math
from dataclasses import astuple, replace

import numpy as np
import pytest

from protocol.recording import read_recording
from simulator import record
from simulator.camera import CENTER
from simulator.response import BUILT_IN, GAME
from tests.conftest import jpeg_of
from training import geometry
from training.geometry import check, fit_camera, main
from training.yaw import turnings, yaw_seen

ASIDE_M = 0.75


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """17 s of the lake with its first bends, three cameras, the expert never pushed."""
    path = tmp_path_factory.mktemp("drives") / "bends"
    assert record.main([str(path), "--track", "lake", "--laps", "0.1", "--speed", "15", "--undisturbed"]) == 0
    return path


@pytest.fixture(scope="module")
def samples(folder):
    return read_recording(folder).samples


@pytest.mark.parametrize(("side", "aside_m"), [("left", ASIDE_M), ("right", -ASIDE_M)])
def test_a_side_camera_is_found_where_it_stands(samples, side, aside_m):
    pairs = [geometry._pair(sample, side) for sample in samples[20:160:50]]
    found = fit_camera(pairs, replace(CENTER, aside_m=aside_m / 3))
    assert found.aside_m == pytest.approx(aside_m, abs=0.06)
    assert astuple(found)[1:3] == pytest.approx((CENTER.height_m, CENTER.horizon_row), abs=0.6)
    assert found.yaw_rad == pytest.approx(0, abs=0.004)


def test_the_warp_comes_closer_than_none(samples):
    plain, moved = check(samples[20:160:20], "left")
    assert moved < 0.7 * plain


def test_the_frames_turn_as_the_car_that_drove_them(samples):
    known, other = turnings(samples, [BUILT_IN, GAME])
    assert known.pairs > 100
    assert known.correlation > 0.85, "the bends here turn it by half a degree a frame at most"
    assert known.share == pytest.approx(1, abs=0.15)
    assert known.unexplained_deg < other.unexplained_deg, "the game's car answers late, the built-in one at once"


def test_a_turn_to_the_right_moves_the_scene_to_the_left(tmp_path, samples):
    """The same noise 10 columns further left: 3.5 degrees at the middle of the picture, whose columns are 0.35 each."""
    scene = np.random.default_rng(2).integers(0, 255, (160, 360, 3)).astype(np.uint8)
    scene = scene.repeat(4, 1)[:, :360]  # grains of 4 columns, so that JPEG keeps them
    files = []
    for number, first in enumerate((0, 10)):
        file = tmp_path / f"{number}.jpg"
        file.write_bytes(jpeg_of(scene[:, first : first + 320]))
        files.append(replace(samples[number], center=file))
    (yaw,), (alike,) = yaw_seen(files)
    assert math.degrees(yaw) == pytest.approx(3.5, abs=1.2)
    assert alike > 0.5
    assert yaw_seen(files[::-1])[0][0] == pytest.approx(-yaw, abs=0.01)


def test_the_command_says_whether_the_warp_helps(folder, make_recording, tmp_path, capsys):
    assert main([str(folder), "--rows", "6"]) == 0
    printed = capsys.readouterr().out
    assert "held out:" in printed
    assert "yaw seen in" in printed
    assert main([str(make_recording(rows=8)), "--rows", "5"]) == 2
    assert "8 rows with three cameras; expected 10" in capsys.readouterr().err
    assert main([str(tmp_path / "nothing")]) == 2
    with pytest.raises(SystemExit, match="2"):
        main([str(folder), "--rows", "1"])


def test_too_few_frames_that_compare_is_said(make_recording):
    with pytest.raises(ValueError, match="neighbouring frames can be compared; expected 100"):
        turnings(read_recording(make_recording(rows=20)).samples, [BUILT_IN])
