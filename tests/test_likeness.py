"""Frames that were drawn at known places are located there, whatever the light, and compared with what is drawn."""

import json
import math
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from protocol.messages import MPS_PER_MPH
from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.render.jpeg import jpeg_of
from simulator.render.opening import open_scene
from simulator.replay.agreement import SteeringErrors
from simulator.replay.reference_path import reference_path
from simulator.world.track import open_track
from training.likeness.__main__ import main
from training.likeness.criteria import all_met, criteria
from training.likeness.drives import drives, laps
from training.likeness.edges import edge_errors, projected
from training.likeness.frames import LEAST_GAP_M, RealFrame, Stretch, choose_rows, read_frame, stretches
from training.likeness.location import LEAST_FIT, Located, locate
from training.likeness.looks import in_their_looks, looks_of
from training.likeness.motion import odometers, replays
from training.likeness.outline import likeness, outline, turn_view
from training.likeness.view import DrawnTrack, Pose

LAKE = open_track("lake")
SPEED_MPH, ROW_S = 20.0, 0.1


@pytest.fixture(scope="module")
def road(scene):
    return DrawnTrack(LAKE, scene, "recording")


@pytest.fixture
def make_lap(tmp_path, road):
    """make_lap(seconds, backwards, start_m) -> a recording of a car on the middle of the lake, at SPEED_MPH."""

    def make(seconds: float, backwards: bool = False, start_m: float = 300.0, drawn: bool = True):
        blank = jpeg_of(np.zeros((160, 320, 3), np.uint8))
        with Recorder(tmp_path / "lap") as recorder:
            for row in range(round(seconds / ROW_S)):
                pose = Pose(backwards, start_m + row * ROW_S * SPEED_MPH * MPS_PER_MPH, 0.0, 0.0)
                jpeg = jpeg_of(in_other_light(road.frame(pose), row)) if drawn else blank
                recorder.write(1.6e9 + row * ROW_S, jpeg, 0.0, 0.3, 0.0, SPEED_MPH)
        return tmp_path / "lap"

    return make


def in_other_light(frame: np.ndarray, seed: int = 0) -> np.ndarray:
    """Darker, flatter, bluer and grainy."""
    grain = np.random.default_rng(seed).normal(0, 5, frame.shape[:2])[..., None]
    colour = 255 * (frame / 255) ** 1.3 * np.array([0.75, 0.85, 0.95]) + 12 + grain
    return colour.clip(0, 255).astype(np.uint8)


def frames_at(folder, rows: list[int]) -> list[RealFrame]:
    (stretch,) = stretches(read_recording(folder))
    return [read_frame(stretch, row) for row in rows]


@pytest.mark.parametrize(
    ("pose", "by"),
    [
        (Pose(False, 100.0, 0.4, 0.02), (2.5, 0.6, 0.03)),
        (Pose(False, 700.0, -0.8, -0.03), (-3.0, -0.5, -0.02)),
        (Pose(True, 400.0, 1.2, 0.05), (1.5, -1.0, -0.04)),
    ],
)
def test_a_frame_is_located_where_it_was_drawn(road, pose, by):
    result = locate(road, in_other_light(road.frame(pose)), road.moved(pose, *by))
    assert result.fit > LEAST_FIT
    assert result.pose.backwards is pose.backwards
    assert result.pose.distance_m == pytest.approx(pose.distance_m, abs=0.3)
    assert result.pose.offset_m == pytest.approx(pose.offset_m, abs=0.1)
    assert result.pose.heading_rad == pytest.approx(pose.heading_rad, abs=math.radians(0.3))


def test_a_frame_of_another_place_fits_nowhere_near(road):
    assert locate(road, road.frame(Pose(False, 100.0, 0.4, 0.02)), Pose(False, 560.0, 0.0, 0.0)).fit < LEAST_FIT


def test_a_car_that_is_moved_looks_where_it_did(road):
    bend = Pose(False, float(np.abs(LAKE.curvature).argmax()) * LAKE.spacing_m, 0.5, 0.1)
    elsewhere = road.moved(bend, 3.0, 0.2, 0.0)
    assert road.standing(elsewhere).heading_rad == pytest.approx(road.standing(bend).heading_rad)
    assert abs(elsewhere.heading_rad - bend.heading_rad) > 0.05, "the road has turned below it"
    back = road.moved(elsewhere, -3.0, -0.2, 0.0)
    assert (back.distance_m, back.offset_m, back.heading_rad) == pytest.approx((bend.distance_m, 0.5, 0.1))


def test_both_ways_meet_at_the_same_place(road):
    there, back = road.standing(Pose(False, 200.0, 1.0, 0.0)), road.standing(Pose(True, LAKE.length_m - 200, -1.0, 0.0))
    assert (there.x, there.y) == pytest.approx((back.x, back.y), abs=0.02)
    assert abs(there.heading_rad - back.heading_rad) == pytest.approx(math.pi, abs=1e-3)


def test_outlines_see_shapes_and_no_light(road):
    frame = road.frame(Pose(False, 100.0, 0.0, 0.0))
    other = road.frame(Pose(False, 500.0, 0.0, 0.0))
    assert likeness(outline(frame, 2), outline(frame, 2)) == pytest.approx(1)
    assert likeness(outline(frame, 2), outline(in_other_light(frame), 2)) > 0.8
    assert likeness(outline(frame, 2), outline(other, 2)) < 0.5
    left = outline(road.frame(Pose(False, 100.0, 0.0, math.atan(3 * 4 / 138.6))), 4)
    assert likeness(turn_view(outline(frame, 4), 3), left) > likeness(outline(frame, 4), left) + 0.2


def test_edges_lie_where_they_are_drawn(road):
    pose = Pose(False, 130.0, 0.3, 0.02)
    errors = edge_errors(road, pose, road.frame(pose))
    assert errors.columns.size > 40
    assert np.median(np.abs(errors.columns)) < 1.0
    wrong = edge_errors(road, replace(pose, offset_m=0.6), road.frame(pose))
    assert np.median(np.abs(wrong.columns)) > 3.0, "0.3 m aside is noticed"


def test_the_edge_lines_are_projected_left_and_right_of_the_car(road):
    pose = Pose(True, 130.0, 0.0, 0.0)
    left, right = (dict(projected(road, pose, side)) for side in (1, -1))
    common = sorted(set(left) & set(right))
    assert common
    assert all(left[row] < right[row] for row in common)
    widths = [right[row] - left[row] for row in common]
    assert widths == sorted(widths), "the road is wider where it is nearer"


def test_rows_are_spread_and_come_in_couples_two_seconds_apart(make_lap):
    (stretch,) = pieces = stretches(read_recording(make_lap(60, drawn=False)))
    rows = [row for _, row in choose_rows(pieces, 10)]
    assert len(rows) == 10
    assert np.diff(stretch.time_s[rows])[::2] == pytest.approx([2.0] * 5)
    assert np.diff(stretch.distance_m[rows[::2]]) == pytest.approx([stretch.distance_m[-1] / 5] * 4, abs=1.0)
    everything = [row for _, row in choose_rows(pieces, 1000)]
    assert np.diff(stretch.distance_m[everything]).min() >= LEAST_GAP_M
    assert len(everything) > 200
    assert choose_rows([], 5) == []


@pytest.mark.parametrize("backwards", [False, True])
def test_a_lap_is_measured_by_the_odometer(road, make_lap, backwards):
    start_m = 1000.0
    frames = frames_at(make_lap(130, backwards, start_m, drawn=False), list(range(0, 1300, 100)))
    pairs = [
        (f, Located(Pose(backwards, (start_m + f.odometer_m * 0.99) % LAKE.length_m, 0.25, 0.0), 1)) for f in frames
    ]
    (odometer,) = odometers(road, pairs)
    assert odometer.lap_m == pytest.approx(LAKE.length_m / 0.99, rel=1e-4)
    assert odometer.laps == pytest.approx(frames[-1].odometer_m * 0.99 / LAKE.length_m)
    assert odometer.mean_offset_m == 0.25
    inside = -1 if backwards else 1  # anticlockwise, left is inside
    assert odometer.middle_m == pytest.approx(odometer.lap_m + inside * 2 * math.pi * 0.25)
    assert odometer.scatter_m < 1e-6
    assert odometers(road, pairs[:4]) == [], "less than half a lap"


def test_steering_that_is_driven_again_ends_where_the_car_went(road, make_lap):
    folder = make_lap(4, start_m=600.0, drawn=False)
    first, second = frames_at(folder, [5, 25])
    paths = [reference_path(read_recording(folder))]
    start = Pose(False, 600.0, 0.0, 0.0)
    car = road.standing(start)
    way_m = second.odometer_m - first.odometer_m
    place = LAKE.locate(car.x + way_m * math.cos(car.heading_rad), car.y + way_m * math.sin(car.heading_rad))
    goal = Pose(False, place.distance_m, place.offset_m + 0.2, car.heading_rad - place.heading_rad + 0.01)
    (replay,) = replays(road, [(first, Located(start, 1)), (second, Located(goal, 1))], paths)
    assert replay.seconds == pytest.approx(2.0)
    assert replay.left_m == pytest.approx(-0.2, abs=0.02)
    assert replay.straight_m == pytest.approx(0.2, abs=0.02), "the wheel was straight"
    assert replay.ahead_m == pytest.approx(0.0, abs=0.05)
    assert replay.turned_deg == pytest.approx(math.degrees(-0.01), abs=0.1)
    assert replay.farthest_m == pytest.approx(abs(place.offset_m), abs=0.05)


def test_longer_drives_stay_on_the_road_as_long_as_the_steering_fits(road, make_lap):
    """The recorded wheel is straight: on a straight road the car stays on it, and before a bend it leaves it."""
    folder = make_lap(14, start_m=0.0, drawn=False)
    frames = frames_at(folder, [5, 45, 85, 120])
    paths = [reference_path(read_recording(folder))]
    straight = Pose(False, _start_of_a_straight(60.0), 0.0, 0.0)
    bend = Pose(False, float(np.abs(LAKE.curvature).argmax()) * LAKE.spacing_m - 20.0, 0.0, 0.0)
    for pose, stays in ((straight, True), (bend, False)):
        (five,) = drives(road, [(frames[1], Located(pose, 1))], paths)
        assert five.seconds == 5.0
        assert five.metres == pytest.approx(5.0 * SPEED_MPH * MPS_PER_MPH, abs=0.2)
        assert five.on_road is stays
        assert (five.farthest_m < 3.64) is stays
    assert {drive.seconds for drive in drives(road, [(frames[0], Located(straight, 1))], paths)} == {5.0, 10.0}


def test_a_lap_is_driven_with_corrections_at_the_located_frames(road, make_lap):
    folder = make_lap(14, start_m=0.0, drawn=False)
    frames = frames_at(folder, [5, 25, 45, 65])
    paths = [reference_path(read_recording(folder))]
    start_m = _start_of_a_straight(60.0)
    aside = (0.0, 0.3, 0.0, 0.0)
    pairs = [
        (f, Located(Pose(False, start_m + f.odometer_m - frames[0].odometer_m, left_m, 0.0), 1))
        for f, left_m in zip(frames, aside, strict=True)
    ]
    (lap,) = laps(road, pairs, paths)
    assert lap.laps == pytest.approx((frames[-1].odometer_m - frames[0].odometer_m) / LAKE.length_m)
    assert lap.seconds == pytest.approx(6.0)
    assert [c.left_m for c in lap.corrections] == pytest.approx([-0.3, 0.3, 0.0], abs=0.1)
    assert lap.on_road == 1.0
    assert laps(road, pairs[:2], paths) == [], "two frames make no lap"


def _start_of_a_straight(length_m: float) -> float:
    """Where the middle of the lake's road bends least over so many metres."""
    bends = np.convolve(np.abs(LAKE.curvature), np.ones(round(length_m / LAKE.spacing_m)), "valid")
    return float(bends.argmin()) * LAKE.spacing_m


def test_each_recording_is_drawn_in_the_look_of_its_frames(road):
    """By day or by night stands here for without or with cast shadows."""
    assert looks_of("udacity-lake") == ("udacity-lake", "udacity-lake:shadows")
    assert looks_of("udacity-lake:shadows") == ("udacity-lake:shadows",)
    assert looks_of("lake") == ("lake",)
    night_track = open_track("lake:night")
    with closing(open_scene(night_track)) as scene:
        night = DrawnTrack(night_track, scene, "recording")
        pose = Pose(False, 100.0, 0.4, 0.02)
        pairs = []
        for name, taken in (("by day", road), ("by night", night)):
            stretch = Stretch(name, (), np.zeros(0), np.zeros(0))
            near = road.moved(pose, 0.2, 0.05, 0.0)
            pairs.append((RealFrame(stretch, 0, taken.frame(pose)), Located(near, 0.5)))
        located, looks = in_their_looks({"lake": road, "lake:night": night}, pairs)
    assert looks == ["lake", "lake:night"]
    assert located[0] == pairs[0], "the first look's places stay"
    assert located[1][1].pose.offset_m == pytest.approx(0.4, abs=0.03)
    assert located[1][1].fit > 0.9


def test_the_demands_are_those_that_were_set():
    good = {"eff": SteeringErrors(mae=0.02, rmse=0.03, bias=0.0, correlation=0.95)}
    edges = np.array([1.0, -2.0, 2.4])
    assert all_met(criteria(40, good, edges))
    assert not all_met(criteria(39, good, edges))
    assert not all_met(criteria(40, {"eff": replace(good["eff"], correlation=0.92)}, edges))
    assert not all_met(criteria(40, {"eff": replace(good["eff"], mae=0.03)}, edges))
    assert not all_met(criteria(40, good, 2 * edges))
    assert not all_met(criteria(40, good, np.array([]))), "no edge was seen"


@pytest.mark.slow
def test_the_command_locates_a_recording_and_compares_it(make_lap, tmp_path, capsys):
    folder = make_lap(5, backwards=True, start_m=560.0)
    model, out = "models/eff-small.tflite", tmp_path / "out"
    options = ["--track", "lake", "--frames", "4", "--models", model, "--out", str(out)]
    assert main([str(folder), *options]) == 1, "four frames are too few"
    text = capsys.readouterr().out
    assert "NOT MET located frames: 4, at least 40" in text
    assert "eff-small: correlation of answers: " in text
    assert "met     edge lines" in text
    result = json.loads((out / "likeness.json").read_text())
    assert len(result["frames"]) == 4
    assert result["left_out"] == []
    assert result["models"]["eff-small"]["all"]["mae"] < 0.05
    for frame in result["frames"]:
        row = int(frame["frame"].rpartition(" ")[2]) - 1  # lines count from 1
        assert frame["backwards"] is True
        assert frame["distance_m"] == pytest.approx(560.0 + row * ROW_S * SPEED_MPH * MPS_PER_MPH, abs=0.3)
        assert frame["offset_m"] == pytest.approx(0.0, abs=0.1)
    assert {path.name for path in out.iterdir()} == {"likeness.json", "pairs.png", "answers.png"}


def test_a_car_that_never_moves_is_refused(make_lap, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tests.test_likeness.SPEED_MPH", 0.0)
    folder = make_lap(1, drawn=False)
    assert main([str(folder), "--track", "lake", "--out", str(tmp_path / "out")]) == 2
    assert "the car moves in none of its 10 rows" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
