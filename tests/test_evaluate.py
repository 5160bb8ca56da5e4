"""Closed loop: the judge sees a good driver drive and a bad one leave the road, and the command reports both."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.keras_files.file_kinds import ModelFileError
from simulator.world import course
from simulator.world.expert import Expert
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld
from tests.frame_policy import FramePolicy
from training import evaluate
from training.evaluate import drive, main

LAKE = open_track("lake")
ROOT = Path(__file__).parent.parent


class Knows(FramePolicy):
    """Steers as the expert of its world; asserts that it is shown frames."""

    def __init__(self, world: TrackWorld) -> None:
        self._expert = Expert(world, 15)

    def predict(self, frames):
        assert frames.shape == (1, 160, 320, 3)
        assert frames.dtype == np.uint8
        assert frames.std() > 10
        return np.array([self._expert.steering()], np.float32)


class Straight(FramePolicy):
    """Never turns."""

    def predict(self, frames):
        return np.zeros(1, np.float32)


def test_a_good_driver_stays_on_the_road_at_its_speed(scene):
    world = TrackWorld(LAKE, scene, laps=0.03)
    drive(Knows(world), world, 15)
    report = world.log.report()
    assert report.off_road_events == 0
    assert report.mean_cte_m < 0.1
    assert 13 < report.mean_speed_mph < 15.2


def test_the_model_sees_twenty_frames_a_second(scene):
    class Counts(Straight):
        calls = 0

        def predict(self, frames):
            self.calls += 1
            return super().predict(frames)

    policy = Counts()
    drive(policy, TrackWorld(LAKE, scene, laps=1, limit_s=2.0), 15)
    assert policy.calls == 40


def test_a_bad_driver_does_not(scene):
    world = TrackWorld(LAKE, scene, laps=0.05, limit_s=60)
    drive(Straight(), world, 25)
    assert world.log.off_road_events >= 1


@pytest.mark.slow
def test_latency_costs_accuracy(scene):
    offsets = []
    for latency_s in (0.0, 0.6):
        world = TrackWorld(LAKE, scene, laps=0.05, latency_s=latency_s)
        drive(Knows(world), world, 25)
        offsets.append(world.log.report().mean_cte_m)
    assert offsets[1] > 5 * offsets[0]


def test_the_command_sets_models_side_by_side(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "open_engine", lambda path, engine, preprocess: Straight())
    monkeypatch.setattr(course, "draw_map", lambda track, drives, file: file.write_text(str([d[0] for d in drives])))
    file, chart = tmp_path / "drives.json", tmp_path / "drives.png"
    command = [
        "one.h5",
        "two.h5",
        "--laps",
        "0.01",
        "--latency-ms",
        "0",
        "100",
        "--json",
        str(file),
        "--map",
        str(chart),
    ]
    code = main(command)
    rows = json.loads(file.read_text())
    assert [(row["model"], row["latency_ms"]) for row in rows] == [
        ("one.h5", 0),
        ("one.h5", 100),
        ("two.h5", 0),
        ("two.h5", 100),
    ]
    assert rows[0]["distance_m"] == rows[2]["distance_m"], "one seed, one drive"
    assert code == (1 if any(row["off_road_events"] for row in rows) else 0)
    assert chart.read_text() == "['one.h5, 0 ms', 'one.h5, 100 ms', 'two.h5, 0 ms', 'two.h5, 100 ms']"
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_a_recording_is_a_course_like_any_other(make_recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "open_engine", lambda path, engine, preprocess: Straight())
    monkeypatch.setattr(course, "draw_offsets", lambda drives, limit_m, file: file.write_text(drives[0][0]))
    file, chart, folder = tmp_path / "drives.json", tmp_path / "drives.png", str(make_recording(rows=80))
    arguments = ["one.h5", "--replay", folder, "--json", str(file), "--map", str(chart)]
    assert main(arguments) == 1, "going straight where the human weaves"
    (row,) = json.loads(file.read_text())
    assert (row["track"], row["speed_mph"]) == ("replay:recording", None)
    assert row["off_road_events"] >= 1
    assert row["laps"] == pytest.approx(1, abs=0.01)
    assert chart.read_text() == "one.h5, 0 ms"
    assert "recording: 80 rows" in capsys.readouterr().out
    assert main([*arguments[:3], "--laps", "0.05"]) == 0, "before the first bend"
    assert row["intervention_m"] == 1
    assert main([*arguments, "--intervention-m", "3"]) == 1
    (wide,) = json.loads(file.read_text())
    assert (wide["intervention_m"], wide["max_cte_m"] > 2) == (3, True)
    assert wide["off_road_events"] < row["off_road_events"]


def test_a_bad_file_does_not_keep_the_others_from_driving(tmp_path, monkeypatch, capsys):
    def open_engine(path, engine, preprocess):
        if path.name == "bad.h5":
            raise ModelFileError(f"{path} is damaged")
        return Straight()

    monkeypatch.setattr(evaluate, "open_engine", open_engine)
    file = tmp_path / "drives.json"
    assert main(["good.h5", "bad.h5", "last.h5", "--laps", "0.01", "--json", str(file)]) == 2
    assert [row["model"] for row in json.loads(file.read_text())] == ["good.h5", "last.h5"]
    assert "evaluate: bad.h5 does not drive: bad.h5 is damaged\n" in capsys.readouterr().err


def test_bad_input_is_one_clear_line(tmp_path, capsys):
    assert main(["missing.h5", "--track", "sea"]) == 2
    assert capsys.readouterr().err.startswith("evaluate: no track 'sea'")
    assert main(["missing.h5", "--replay", str(tmp_path)]) == 2
    assert "driving_log.csv" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.h5")]) == 2
    assert "missing.h5" in capsys.readouterr().err
    for arguments in (
        ["--laps", "0"],
        ["--speed", "99"],
        ["--latency-ms", "-1"],
        ["--seed", "-1"],
        ["--intervention-m", "9"],
    ):
        with pytest.raises(SystemExit, match="2"):
            main(["m.h5", *arguments])


@pytest.mark.slow
def test_the_shipped_model_drives_the_lake():
    assert main([str(ROOT / "models" / "eff.h5"), "--laps", "1", "--both-ways"]) == 0
