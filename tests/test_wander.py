"""Laps laid on one another: a place told from pictures alone, in the built-in world, where it is known."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from protocol.recording import Sample
from simulator.camera import CAMERA_AHEAD_M
from simulator.track import open_track
from training import lap_match, wander
from training.lap_match import Lap, Laps, match_laps
from training.road import Leg
from training.view_match import Offset, View
from training.wander import excursions, from_mean, main, unavoidable

LAKE = open_track("lake")
STEP_M = 2.0
PLACES_M = 4.0
LAP_M = 80.0


def picture(scene, metres, aside_m=0.0, turned_rad=0.0, camera_m=0.0):
    """The lake `metres` along the road, from so far left of its middle."""
    index = round(metres / LAKE.spacing_m)
    (x, y), heading = LAKE.points[index], float(LAKE.heading_rad[index])
    x += CAMERA_AHEAD_M * (math.cos(heading) - math.cos(heading + turned_rad)) - aside_m * math.sin(heading)
    y += CAMERA_AHEAD_M * (math.sin(heading) - math.sin(heading + turned_rad)) + aside_m * math.cos(heading)
    return Image.fromarray(scene.render(x, y, 0.0, heading + turned_rad, 0.0, camera_m))


@pytest.mark.parametrize(
    ("aside_m", "turned_deg", "within_m"),
    [(0.0, 0.0, 0.02), (0.7, 0.0, 0.06), (-1.1, 0.0, 0.06), (0.0, -5.0, 0.02), (0.7, 3.0, 0.06), (-1.1, -5.0, 0.2)],
)
def test_a_view_is_found_where_it_was_taken(scene, aside_m, turned_deg, within_m):
    view = View(picture(scene, 640, aside_m, math.radians(turned_deg)).convert("L"))
    others = [(picture(scene, 640 + ahead).convert("L"), ahead) for ahead in (-4.0, 0.0, 4.0)]
    found = view.best(others)
    assert found.aside_m == pytest.approx(aside_m, abs=within_m)
    parallax_deg = 0.5 * abs(aside_m)  # the trees are not far away for ever
    assert math.degrees(found.turned_rad) == pytest.approx(turned_deg, abs=parallax_deg + 0.25)


def test_a_view_is_found_near_the_last_one(scene):
    view = View(picture(scene, 640, 0.7).convert("L"))
    near = view.near(picture(scene, 640).convert("L"), 3.0, Offset(1.4, 0.4, 0.0, 3.5))
    assert near.aside_m == pytest.approx(0.7, abs=0.1)
    assert near.ahead_m == pytest.approx(3.0, abs=0.7)


@pytest.fixture(autouse=True)
def short_search(monkeypatch):
    """The made-up odometry does not drift, so fewer views need to be tried."""
    monkeypatch.setattr(lap_match, "SEARCH_M", 5.0)


@pytest.fixture(scope="module")
def drive(scene, tmp_path_factory):
    """A made-up drive: 80 m of the lake twice over, half a metre further left the second time.

    Side cameras see every tenth row alone: no more are looked at.
    """
    folder = tmp_path_factory.mktemp("laps")
    samples, metres = [], np.arange(0, 2 * LAP_M - 10, STEP_M)
    for number, at in enumerate(metres):
        files = {"left": None, "right": None}
        for camera, camera_m in (("center", 0.0), ("left", 0.75), ("right", -0.75))[: 1 if number % 10 else 3]:
            files[camera] = folder / f"{camera}_{number}.png"
            aside_m = 0.0 if at < LAP_M else 0.5
            picture(scene, 600 + at % LAP_M, aside_m, camera_m=camera_m).save(files[camera])
        time_s = number * 0.3
        samples.append(
            Sample(files["center"], files["left"], files["right"], 0.0, 0.5, 0.0, 15.0, time_s, 0, number + 1)
        )
    leg = Leg(0, np.arange(metres.size), metres, np.zeros(metres.size))
    return samples, leg


def test_the_second_lap_lies_where_it_was_driven(drive):
    laps = match_laps(*drive, LAP_M, PLACES_M)
    (lap,) = laps.later
    assert laps.unlike == 0
    assert np.median(lap.aside_m) == pytest.approx(0.5, abs=0.08)
    assert np.abs(lap.aside_m - 0.5).max() < 0.2
    assert np.abs(lap.turned_rad).max() < math.radians(1)
    assert lap.driven_m - lap.at_m == pytest.approx(LAP_M, abs=1.0)
    assert laps.side_errors_m.size == 4, "two places of eighteen, left and right"
    assert np.abs(laps.side_errors_m).max() < 0.25
    off_m = from_mean(laps, np.arange(0.0, 60.0, STEP_M))
    assert np.nanmedian(off_m, axis=1) == pytest.approx([-0.25, 0.25], abs=0.05)


@pytest.mark.parametrize("what", ["elsewhere", "damaged"])
def test_a_picture_that_shows_nothing_of_it_is_left_out(drive, tmp_path, what):
    samples, leg = drive
    strange = tmp_path / "strange.png"
    if what == "damaged":
        strange.write_bytes(b"\x89PNG and no more")
    else:
        Image.fromarray(np.random.default_rng(1).integers(0, 255, (160, 320, 3), np.uint8)).save(strange)
    changed = [*samples]
    changed[50] = replace(samples[50], center=strange)
    assert match_laps(changed, leg, LAP_M, PLACES_M).unlike == 1
    changed[30] = replace(samples[30], center=strange)
    assert match_laps(changed, leg, LAP_M, PLACES_M).unlike == 1, "on the first lap its neighbours serve"


def test_a_lap_whose_views_fit_nowhere_is_told(drive):
    samples, leg = drive
    gone = [replace(sample, center=sample.center.with_name("gone.png")) for sample in samples[40:]]
    with pytest.raises(ValueError, match="none of 34 views fits"):
        match_laps([*samples[:40], *gone], leg, LAP_M, STEP_M)


def test_less_than_a_lap_and_a_bit_is_said_to_be_too_little(drive):
    with pytest.raises(ValueError, match="148 m one way"):
        match_laps(*drive, 140.0, STEP_M)


def test_an_excursion_is_a_run_of_places_on_one_lap():
    off_m = np.zeros((2, 12))
    off_m[0, 0:3] = 1.2
    off_m[0, 5] = -1.1
    off_m[1, 10:] = 1.4
    off_m[1, 4] = np.nan
    assert excursions(off_m) == 3
    assert unavoidable(off_m) == 0, "a line between the laps is within a metre of both"
    off_m[1, 1:3] = -0.9
    assert unavoidable(off_m) == 1


def test_the_mean_is_of_the_laps_that_came_there():
    place_m = np.arange(0.0, 10.0)
    later = (Lap(np.array([0.0, 5.0]), np.array([0.6, 0.6]), np.zeros(2), np.array([10.0, 15.0])),)
    off_m = from_mean(Laps(10.0, later, 0, np.zeros(0)), place_m)
    assert off_m[:, 1:5] == pytest.approx(np.array([[-0.3] * 4, [0.3] * 4]))
    assert np.isnan(off_m[:, 7:]).all(), "one lap alone has no mean"


def test_the_command_says_it_and_draws_it(drive, tmp_path, monkeypatch, capsys):
    samples, leg = drive
    recording = SimpleNamespace(samples=samples, summary=lambda: "two laps")
    monkeypatch.setattr(wander, "read_recording", lambda folder: recording)
    monkeypatch.setattr(wander, "legs", lambda *_: [leg])
    drawn = tmp_path / "wander.png"
    assert main(["laps", "--lap-m", str(LAP_M), "--every-m", "4", "--picture", str(drawn)]) == 0
    said = capsys.readouterr().out
    assert "1.9 laps" in said
    assert "autonomy of who drives the mean 100 %" in said
    assert "agrees with this driver's 1 s means by nan" in said, "who never steers agrees with nobody"
    with Image.open(drawn) as picture_drawn:
        assert picture_drawn.width > 800
    assert main(["laps", "--lap-m", "140", "--every-m", "4"]) == 2
    assert "no part of any recording drives its lap again" in capsys.readouterr().err


def test_a_folder_without_a_recording_is_bad_input(tmp_path, capsys):
    assert main([str(Path(tmp_path)), "--lap-m", "1135"]) == 2
    assert "driving_log.csv" in capsys.readouterr().err
