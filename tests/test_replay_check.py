"""The judge's own judges: drivers of known worth rank as they must, and weakening a model does what it says."""

import math

import numpy as np
import pytest

from protocol.recorder import Recorder
from protocol.recording import read_recording
from simulator.human_line import human_line
from simulator.replay import ReplayWorld
from tests.conftest import jpeg_of, road_frame
from training import replay_check
from training.stand_ins import (
    Human,
    NoisyHuman,
    Random,
    Weakened,
    Zero,
    bends,
    drive_stand_in,
    failed_bends,
    rank_correlation,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Straight on, a bend of some 90 degrees to the left, straight on, one to the right: at 20 mph."""
    path = tmp_path_factory.mktemp("check") / "bends"
    jpeg = jpeg_of(road_frame())
    with Recorder(path) as recorder:
        for i in range(200):
            steering = -0.2 if 50 <= i < 75 else 0.2 if 125 <= i < 150 else 0.0
            recorder.write(1.6e9 + i / 10, jpeg, steering, 0.3, 0, 20.0, jpeg, jpeg)
    return path


@pytest.fixture(scope="module")
def line(folder):
    return human_line(read_recording(folder))


def report(driver, line):
    world = ReplayWorld(line)
    drive_stand_in(driver, world)
    return world.log.report()


def test_bends_are_found_where_they_are(line):
    (first, second) = bends(line)
    metres_a_row = 20 * 0.44704 / 10
    assert first == pytest.approx((50 * metres_a_row, 75 * metres_a_row), abs=8)
    assert second == pytest.approx((125 * metres_a_row, 150 * metres_a_row), abs=8)


def test_drivers_rank_as_they_must(line):
    reports = [report(driver, line) for driver in (Human(), NoisyHuman(0.03), NoisyHuman(0.4), Random())]
    assert reports[0].max_cte_m < 1e-6
    assert reports[1].off_road_events == 0
    assert reports[1].mean_cte_m < reports[2].mean_cte_m
    assert reports[3].off_road_events > 5
    where = bends(line)
    assert failed_bends(where, report(Zero(), line).off_road_at_m) == 2
    assert failed_bends(where, ()) == 0


def test_a_weakened_model_answers_late_and_wrong():
    class Counts:
        answer = 0.0

        def predict(self, frames):
            self.answer += 0.1
            return np.array([self.answer], np.float32)

    driver = Weakened("", Counts(), scale=2.0, bias=0.05, frames_late=2)
    frame = np.zeros((1, 160, 320, 3), np.uint8)
    assert [float(driver.predict(frame)[0]) for _ in range(4)] == pytest.approx([0, 0, 0.25, 0.45])


def test_rank_correlation():
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 900])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert rank_correlation(np.array([1.0, 1, 2, 3]), np.array([5.0, 5, 6, 7])) == pytest.approx(1), "ties share a rank"
    assert math.isnan(rank_correlation(np.array([1.0, 1]), np.array([1.0, 2])))


def test_the_command_says_whether_the_judge_holds(folder, tmp_path, capsys):
    assert replay_check.main(["--replay", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "always zero" in said
    assert "2 of 2" in said
    assert replay_check.main(["--replay", str(tmp_path)]) == 2
    with pytest.raises(SystemExit, match="2"):
        replay_check.main([])
