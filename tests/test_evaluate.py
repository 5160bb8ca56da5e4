"""Closed loop: the judge sees a good driver drive and a bad one leave the road, and the command reports both."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulator.world.expert import Expert
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld
from tests.frame_policy import FramePolicy
from tests.network_files import litert, network
from tests.ray_lock import ray_lock
from training.evaluate import drive, main

LAKE = open_track("lake")
EFF = Path(__file__).parent.parent / "models" / "eff.h5"


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


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The file of a model that never turns."""
    model = network((66, 200, 3))
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    return litert(tmp_path_factory.mktemp("models") / "straight.tflite", model)


@pytest.mark.slow
def test_the_command_sets_models_side_by_side_and_a_bad_one_has_rows_with_the_reason(straight, tmp_path, capsys):
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(straight.read_bytes()[:500])
    file, chart = tmp_path / "drives.json", tmp_path / "drives.png"
    command = [straight, bad, EFF, "--laps", "0.01", "--latency-ms", "0", "100", "--json", file, "--map", chart]
    assert main([*map(str, command), "--workers", "2"]) == 2
    rows = json.loads(file.read_text())
    assert [(row["model"], row["latency_ms"]) for row in rows] == [
        (str(model), latency) for model in (straight, bad, EFF) for latency in (0, 100)
    ]
    good_rows, bad_rows = [row for row in rows if row["model"] != str(bad)], rows[2:4]
    assert all(row["distance_m"] > 5 and row["failure"] == "" for row in good_rows)
    assert good_rows[0]["max_cte_m"] > 3 * good_rows[2]["max_cte_m"], "one goes straight, one follows the road"
    assert all("bad.tflite" in row["failure"] and row["distance_m"] is None for row in bad_rows)
    with Image.open(chart) as picture:
        assert picture.width > 4 * picture.height * 0.9, "four drives"
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert lines[1].startswith("bad.tflite")

    assert main([str(EFF), "--laps", "0.01", "--json", str(file)]) == 0
    (alone,) = json.loads(file.read_text())
    same = {name: value for name, value in alone.items() if name != "frames_per_s"}
    assert same == {name: rows[4][name] for name in same}, "one seed, one drive, whatever drove before it"


def test_if_all_files_are_bad_the_rows_are_written_all_the_same(tmp_path, capsys):
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    file = tmp_path / "drives.json"
    arguments = [str(tmp_path / "bad.h5"), str(tmp_path / "missing.h5"), "--track", "lake", "mountain"]
    assert main([*arguments, "--json", str(file), "--map", str(tmp_path / "map.png")]) == 2
    rows = json.loads(file.read_text())
    assert [(Path(row["model"]).name, row["track"]) for row in rows] == [
        (model, track) for track in ("lake", "mountain") for model in ("bad.h5", "missing.h5")
    ]
    assert all(Path(row["model"]).name in row["failure"] for row in rows)


@pytest.mark.slow
def test_a_recording_is_a_course_like_any_other(straight, make_recording, tmp_path, capsys):
    file, chart, folder = tmp_path / "drives.json", tmp_path / "drives.png", str(make_recording(rows=80))
    arguments = [str(straight), "--replay", folder, "--json", str(file), "--map", str(chart)]
    assert main(arguments) == 1, "going straight where the human weaves"
    (row,) = json.loads(file.read_text())
    assert (row["track"], row["speed_mph"]) == ("replay:recording", None)
    assert row["off_road_events"] >= 1
    assert row["laps"] == pytest.approx(1, abs=0.01)
    with Image.open(chart) as picture:
        assert picture.width > 1000
    assert "recording: 80 rows" in capsys.readouterr().out
    assert main([*arguments[:3], "--laps", "0.05"]) == 0, "before the first bend"
    assert row["intervention_m"] == 1
    assert main([*arguments, "--intervention-m", "3"]) == 1
    (wide,) = json.loads(file.read_text())
    assert (wide["intervention_m"], wide["max_cte_m"] > 2) == (3, True)
    assert wide["off_road_events"] < row["off_road_events"]


@pytest.mark.slow
def test_a_cluster_drives_the_same(straight, make_recording, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    folder = str(make_recording(rows=80))
    files = [tmp_path / "local.json", tmp_path / "cluster.json"]
    arguments = [str(straight), str(EFF), "--track", "lake", "--replay", folder, "--laps", "0.01"]
    assert main([*arguments, "--json", str(files[0])]) == 0
    with ray_lock(), tempfile.TemporaryDirectory(prefix="ray") as short:  # the paths of Ray's sockets have a limit
        monkeypatch.setenv("RAY_TMPDIR", short)
        assert main([*arguments, "--json", str(files[1]), "--ray", "auto"]) == 0
    local, cluster = ([{**row, "frames_per_s": 0} for row in json.loads(file.read_text())] for file in files)
    assert local == cluster


def test_bad_input_is_one_clear_line(tmp_path, capsys):
    assert main(["missing.h5", "--track", "sea"]) == 2
    assert capsys.readouterr().err.startswith("evaluate: no track 'sea'")
    assert main(["missing.h5", "--replay", str(tmp_path)]) == 2
    assert "driving_log.csv" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.h5")]) == 2
    assert "missing.h5" in capsys.readouterr().out
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
    assert main([str(EFF), "--laps", "1", "--both-ways"]) == 0
