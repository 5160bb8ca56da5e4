"""The driver's line as physics, and every reason to leave rows out, counted."""

import math

import numpy as np
import pytest

from protocol.messages import EFFECTIVE_WHEELBASE_M, MPS_PER_MPH
from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.replay.reference_path import reference_path
from simulator.world.car import STEP_S
from simulator.world.steering_dynamics import GAME, SteeringDynamics
from tests.conftest import jpeg_of, road_frame

JPEG = jpeg_of(road_frame())
BICYCLE = SteeringDynamics(1e-6, 1e6)
"""Answers at once, and its tyres hold anything."""


@pytest.fixture
def record(tmp_path):
    """record([(seconds since the row before, steering, speed), ...]) -> Recording."""

    def make(rows, sides=True):
        time_s = 1.6e9
        with Recorder(tmp_path / "drive") as recorder:
            for seconds, steering, speed in rows:
                time_s += seconds
                recorder.write(time_s, JPEG, steering, 0, 0, speed, *([JPEG, JPEG] if sides else []))
        return read_recording(tmp_path / "drive")

    return make


def test_straight_on_it_is_as_long_as_time_and_speed_say(record):
    line = reference_path(record([(0.1, 0.0, 20.0)] * 101))
    assert line.length_m == pytest.approx(10 * 20 * MPS_PER_MPH, rel=0.004)
    assert line.unused_rows == {}
    assert line.side_cameras


def test_a_bend_has_the_bicycles_radius(record, monkeypatch):
    monkeypatch.setattr("simulator.replay.reference_path.GAME", BICYCLE)
    (segment,) = reference_path(record([(0.1, -0.4, 15.0)] * 61)).segments
    radius = EFFECTIVE_WHEELBASE_M / math.tan(math.radians(10))
    turned = segment.length_m / radius
    assert segment.heading_rad[-1] == pytest.approx(turned, rel=1e-3), "negative steering turns left"
    assert (segment.x[-1], segment.y[-1]) == pytest.approx(
        (radius * math.sin(turned), radius * (1 - math.cos(turned))), abs=0.02
    )


def test_gaps_cut_and_standstills_and_manoeuvres_are_left_out(record):
    drive = [(0.1, 0.0, 20.0)] * 80
    pause = [(0.1, 0.0, 0.0)] * 10
    setting_off = [(0.1, 0.5, 3.0)] * 5
    line = reference_path(record([*drive, (0.9, 0.0, 20.0), *drive, *pause, *setting_off, *drive]))
    assert len(line.segments) == 3
    assert line.unused_rows["standing still"] == 10
    assert line.unused_rows["next to a standstill"] >= 20, "20 m at 9 m/s, and the setting off"
    assert all(abs(segment.steering).max() == 0 for segment in line.segments)


def test_short_pieces_are_counted(record):
    line = reference_path(record([*[(0.1, 0.0, 20.0)] * 40, (5.0, 0.0, 20.0), *[(0.1, 0.0, 20.0)] * 5]))
    assert len(line.segments) == 1
    assert line.unused_rows == {"in pieces shorter than 3 s": 6}
    assert "6 rows in pieces shorter than 3 s" in line.summary()


def test_nothing_to_replay_is_said(record):
    with pytest.raises(ValueError, match="drive has no 3 s of driving to replay: 30 rows standing still"):
        reference_path(record([(0.1, 0.0, 0.0)] * 30))


def test_one_camera_is_said(record):
    line = reference_path(record([(0.1, 0.0, 20.0)] * 50, sides=False))
    assert not line.side_cameras
    assert line.summary().endswith("it has one camera only, so views are shifted less")


def test_rows_without_a_time_are_taken_to_be_a_tenth_apart(tmp_path):
    (tmp_path / "IMG").mkdir()
    for i in range(50):
        (tmp_path / "IMG" / f"frame{i}.jpg").write_bytes(JPEG)
    rows = "".join(f"IMG/frame{i}.jpg,,,0.0,0.3,0,20.5\n" for i in range(50))
    (tmp_path / "driving_log.csv").write_text(rows)
    line = reference_path(read_recording(tmp_path))
    assert line.length_m == pytest.approx(4.9 * 20.5 * MPS_PER_MPH, rel=0.005)
    assert line.unused_rows == {"without a time, taken to be 0.1 s apart": 50}


def test_each_row_knows_its_step(record):
    (segment,) = reference_path(record([(0.1, 0.0, 20.0)] * 50)).segments
    assert np.array_equal(segment.row_step[:4], [0, 5, 10, 15])
    assert segment.row_step[-1] < len(segment.x)


def test_the_games_car_turns_late_and_its_tyres_hold_only_so_much():
    steps = np.ones(500)
    rates = GAME.rates(30 * steps, steps, STEP_S)
    bicycle = (30 * MPS_PER_MPH) ** 2 * math.tan(math.radians(25)) / EFFECTIVE_WHEELBASE_M
    assert rates[-1] * 30 * MPS_PER_MPH < GAME.most_lateral_mps2 < bicycle
    assert rates[7] == pytest.approx(rates[-1] * (1 - math.exp(-1)), rel=0.01), "after its lag of 0.14 s"
    lagging, bare = (car.rates(30 * steps, 0.1 * steps, STEP_S)[-1] for car in (SteeringDynamics(0.14, 1e6), BICYCLE))
    assert lagging == pytest.approx(bare)
