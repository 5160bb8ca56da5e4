"""The replay as a judge: who strays from the human's line needs interventions, and the view follows the car."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from protocol.messages import Control
from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.render.camera import AUTONOMOUS, RECORDING
from simulator.replay.reference_path import reference_path
from simulator.replay.replay_world import ReplayWorld
from simulator.world.car import STEP_S
from tests.conftest import jpeg_of, road_frame


def weave(i: int) -> float:
    return round(0.3 * math.sin(i / 8), 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """15 s at 20 mph, weaving; each row's road leans another way, and the cameras differ."""
    path = tmp_path_factory.mktemp("replay") / "weave"
    with Recorder(path) as recorder:
        for i in range(151):
            center, left, right = (jpeg_of(road_frame(shift)) for shift in (weave(i), weave(i) + 0.3, weave(i) - 0.3))
            recorder.write(1.6e9 + i / 10, center, weave(i), 0.3, 0, 20.0, left, right)
    return path


@pytest.fixture
def line(folder):
    return reference_path(read_recording(folder))


def drive(world: ReplayWorld, steering, seconds: float = STEP_S) -> ReplayWorld:
    while not world.finished:
        world.apply(Control(steering(world), 0.0))
        world.step(seconds)
    return world


def test_the_human_stays_on_the_line(line):
    report = drive(ReplayWorld(line), lambda world: world.human_steering).log.report()
    assert (report.off_road_events, report.autonomy_percent) == (0, 100)
    assert report.max_cte_m < 1e-6
    assert report.laps == pytest.approx(1, abs=1e-3)
    assert report.elapsed_s == pytest.approx(15, abs=0.05)


def test_straying_by_a_metre_is_an_intervention_and_costs_six_seconds(line):
    world = ReplayWorld(line)
    while not world.log.off_road_events:
        world.apply(Control(1.0, 0.0))
        world.step(STEP_S)
    assert world.place.offset_m == 0
    assert world.heading_error_rad == 0
    assert world.car.steering == pytest.approx(world.human_steering), "it goes on as the human did"
    elapsed_s = world.log.time_s
    assert world.log.report().max_cte_m == pytest.approx(1, abs=0.15)
    assert world.log.report().autonomy_percent == pytest.approx(max(0, 100 * (1 - 6 / elapsed_s)))


def test_steering_right_of_the_human_leads_to_the_right(line):
    world = ReplayWorld(line)
    for _ in range(30):
        world.apply(Control(world.human_steering + 0.1, 0.0))
        world.step(STEP_S)
    assert world.place.offset_m < -0.05
    assert world.heading_error_rad < 0


def test_always_zero_fails(line):
    assert drive(ReplayWorld(line), lambda world: 0.0, 0.05).log.off_road_events > 3


def test_a_control_waits_for_its_latency(line):
    world = ReplayWorld(line, latency_s=0.1)
    world.apply(Control(0.9, 0.0))
    world.step(0.1)
    assert world.car.steering == 0
    world.step(STEP_S)
    assert world.car.steering == 0.9


def test_on_the_line_the_recording_camera_shows_the_recorded_frames(line):
    world = ReplayWorld(line, camera=RECORDING.center)
    for number in (0, 3, 7):
        while world.place.index < line.segments[0].row_step[number]:
            world.apply(Control(world.human_steering, 0.0))
            world.step(STEP_S)
        with Image.open(line.segments[0].samples[number].center) as picture:
            assert np.abs(world.frame().astype(int) - np.asarray(picture)).max() <= 1


def test_beside_the_line_the_nearest_camera_is_shown(line):
    world = ReplayWorld(line, camera=RECORDING.center)
    world.car.y += RECORDING.left.lateral_offset_m
    with (
        Image.open(line.segments[0].samples[0].left) as left,
        Image.open(line.segments[0].samples[0].center) as center,
    ):
        view = world.frame()[66:130].astype(int)
        to_left = np.abs(view - np.asarray(left)[66:130]).mean()
        assert to_left < 0.3 * np.abs(view - np.asarray(center)[66:130]).mean()


def test_a_model_sees_what_the_autonomous_camera_would(line):
    """The camera of the car that a model drives looks further down, so all but the hood stands three rows higher."""
    driven, recorded = (ReplayWorld(line, camera=rig.center).frame().astype(int) for rig in (AUTONOMOUS, RECORDING))
    rise = round(RECORDING.center.horizon_row - AUTONOMOUS.center.horizon_row)
    rows = slice(20, 120)
    higher = np.abs(driven[rows] - recorded[20 + rise : 120 + rise]).mean()
    assert higher < 0.5 * np.abs(driven[rows] - recorded[rows]).mean()
    assert np.array_equal(ReplayWorld(line).frame(), driven), "this camera is what a model gets unless told otherwise"


def test_a_turn_to_the_left_moves_the_far_scene_right(line):
    world = ReplayWorld(line)
    straight = world.frame()
    world.car.heading_rad += 0.1
    assert not np.array_equal(world.frame()[:60, 40:-40], straight[:60, 40:-40]) or straight[:60].std() == 0
    road, before = (frame[66].astype(int)[:, 1] for frame in (world.frame(), straight))
    grey = [np.flatnonzero(np.abs(row - 110) < 15).mean() for row in (road, before)]
    assert grey[0] > grey[1] + 8


def test_two_drives_are_the_same_to_the_byte(line):
    def pictures():
        world, views = ReplayWorld(line), []
        for _ in range(12):
            world.apply(Control(0.1, 0.0))
            world.step(0.05)
            views.append(world.observe().jpeg)
        return views

    assert pictures() == pictures()


def test_it_reports_as_the_game_does(line):
    world = ReplayWorld(line)
    world.step(0.5)
    observation = world.observe()
    assert Image.open(io.BytesIO(observation.jpeg)).size == (320, 160)
    assert observation.speed_mph == pytest.approx(20)
    assert {"sim_time", "cte", "distance", "tot_obes"} == set(observation.extras)


def test_with_one_camera_a_human_takes_over_earlier(make_recording):
    one = reference_path(read_recording(make_recording(rows=80, cameras=1)))
    world = ReplayWorld(one)
    assert world.intervention_m == 0.5
    world.car.y += 0.4
    assert world.frame().shape == (160, 320, 3)
    drive(world, lambda world: 1.0, 0.05)
    assert world.log.report().max_cte_m < 0.8


def test_a_share_of_the_recording(line):
    report = drive(ReplayWorld(line, laps=0.25), lambda world: world.human_steering).log.report()
    assert report.laps == pytest.approx(0.25, abs=0.01)


def test_several_stretches_are_driven_one_after_the_other(make_recording):
    two = reference_path(read_recording(make_recording(rows=60, sessions=2)))
    assert len(two.segments) == 2
    world = drive(ReplayWorld(two), lambda world: world.human_steering)
    assert world.log.report().laps == pytest.approx(1, abs=1e-3)
    assert world.log.report().max_cte_m < 1e-6


def test_a_broken_picture_is_named(line, folder):
    world = ReplayWorld(line)
    sample = line.segments[0].samples[0]
    whole = sample.center.read_bytes()
    sample.center.write_bytes(b"\xff\xd8 no picture \xff\xd9")
    with pytest.raises(ValueError, match=sample.center.name):
        world.frame()
    sample.center.write_bytes(whole)
