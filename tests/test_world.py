"""A drive as its judge sees it: laps, off-road events, latency, and the same numbers for the same seed."""

import io
import json
import math

import numpy as np
import pytest
from PIL import Image

from protocol.messages import Control
from protocol.position import read_position
from simulator import drive
from simulator.render.scene import Scene
from simulator.world import course
from simulator.world.car import STEP_S, Car
from simulator.world.drive_log import DriveLog, reversals
from simulator.world.expert import Expert
from simulator.world.map import draw_map
from simulator.world.track import Place, open_track
from simulator.world.track_world import TrackWorld

LAKE = open_track("lake")


def test_an_expert_laps_without_leaving_the_road():
    world = TrackWorld(LAKE, None, laps=2)
    expert = Expert(world, 25)
    while not world.finished:
        world.apply(expert.control())
        world.step(0.05)
    report = world.log.report()
    assert (report.off_road_events, report.autonomy_percent, len(report.lap_times_s)) == (0, 100, 2)
    assert report.laps == pytest.approx(2, abs=0.01)
    assert report.elapsed_s == pytest.approx(sum(report.lap_times_s), abs=0.1)
    assert report.mean_cte_m < 0.1
    assert report.mean_speed_mph == pytest.approx(24.4, abs=0.5)


def test_leaving_the_road_is_counted_and_the_car_put_back():
    world = TrackWorld(LAKE, None, laps=1, limit_s=60)
    world.apply(Control(0.5, 0.5))
    while not world.log.off_road_events:
        world.step(0.05)
    assert abs(world.place.offset_m) < 0.1
    assert world.car.speed_mph == 0
    assert world.log.crashes == 0
    elapsed_s = world.log.time_s
    report = world.log.report()
    assert report.max_cte_m == pytest.approx(3.64, abs=0.1), "the carriageway's end"
    assert (report.wheels_off_events, report.wheels_off_longest_m > 1) == (1, True)
    assert report.autonomy_percent == pytest.approx(max(0, 100 * (1 - 6 / elapsed_s)))


def test_leaving_the_bridge_is_a_crash():
    world = TrackWorld(LAKE, None, laps=1)
    world._place_car(round(700 / LAKE.spacing_m))
    world.apply(Control(0.4, 0.5))
    while not world.log.off_road_events:
        world.step(0.05)
    assert world.log.crashes == 1


def test_the_time_is_limited():
    world = TrackWorld(LAKE, None, laps=1, limit_s=3)
    world.step(10)
    assert world.finished
    assert world.log.time_s == pytest.approx(3, abs=0.02)


def test_a_control_waits_for_its_latency():
    world = TrackWorld(LAKE, None, laps=1, latency_s=0.1)
    world.apply(Control(0.0, 1.0))
    world.step(0.1)
    assert world.car.throttle == 0
    world.step(STEP_S)
    assert world.car.throttle == 1


def test_the_seed_decides_the_start():
    starts = [TrackWorld(LAKE, None, 1, seed).place.offset_m for seed in (1, 1, 2)]
    assert starts[0] == starts[1] != starts[2]


def drive_frames(scene: Scene, seed: int) -> bytes:
    world = TrackWorld(LAKE, scene, 1, seed)
    expert = Expert(world, 20, True, seed)
    frames = []
    for _ in range(20):
        world.apply(expert.disturbed(expert.control()))
        world.step(0.5)
        frames.append(world.observe().jpeg)
    return b"".join(frames)


def test_one_seed_gives_the_same_frames_byte_for_byte(scene):
    drawn_anew = Scene(LAKE)
    assert drive_frames(scene, 3) == drive_frames(drawn_anew, 3) != drive_frames(scene, 4)
    drawn_anew.close()


def test_reports_what_improved_simulators_do(scene):
    world = TrackWorld(LAKE, scene, 1)
    observation = world.observe()
    picture = Image.open(io.BytesIO(observation.jpeg))
    assert (picture.size, picture.mode) == ((320, 160), "RGB")
    assert 6_000 < len(observation.jpeg) < 25_000
    position = read_position(observation.extras)
    assert (position.lap, position.game_s, position.off_road) == (1, 0.0, 0)
    assert position.x_m == pytest.approx(world.car.x, abs=1e-4)
    assert position.y_m == pytest.approx(world.car.y, abs=1e-4)
    assert position.lateral_offset_m == pytest.approx(-world.place.offset_m, abs=1e-4)
    assert {"distance", "tot_crashes", "pos_y"} <= set(observation.extras)


def test_reversals_are_turns_back_beyond_the_gap():
    assert reversals([0, 1, 0, 1, 0, 1.9]) == 0, "trembling"
    assert reversals([0, 5, 0, 5, 0]) == 3
    assert reversals(list(10 * np.sin(np.linspace(0, 20 * np.pi, 4000)))) == 20
    assert reversals([]) == 0


def test_jerk_of_a_steady_sway():
    log = DriveLog(1000)
    speed_mps = 10.0
    for step in range(6000):
        lateral = 2.0 * math.sin(2 * math.pi * 0.25 * step * STEP_S)
        car = Car(0, 0, 0, speed_mps / 0.44704, yaw_rate=lateral / speed_mps)
        log.note(STEP_S, 0.1, Place(0, 0, 0.0, 0.0), car)
    assert log.report().jerk_mps3 == pytest.approx(2.0 * 2 * math.pi * 0.25 / math.sqrt(2), rel=0.03)


@pytest.mark.slow
def test_draws_the_drive(tmp_path):
    world = TrackWorld(LAKE, None, laps=1, limit_s=20)
    world.apply(Control(0.1, 0.5))
    world.step(20)
    draw_map(LAKE, [("lake", world.log), ("again", world.log)], tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.size == (1600, 800)
    draw_map(LAKE, [("nothing driven", DriveLog(LAKE.length_m))], tmp_path / "empty.png")


@pytest.mark.slow
@pytest.mark.parametrize(("farthest_m", "red"), [(0.24, True), (3.9, True), (0.13, False)])
def test_the_maps_colours_reach_as_far_as_the_drive(tmp_path, farthest_m, red):
    log = DriveLog(LAKE.length_m)
    for index in range(0, len(LAKE.points), 4):
        offset_m = farthest_m * index / len(LAKE.points)
        log.positions.append((*LAKE.points[index], offset_m, float(index)))
    draw_map(LAKE, [("lake", log)], tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)[:, :600]  # without the legend
    far = (pixels[..., 0] > 120) & (pixels[..., 1:].max(2) < 70)
    assert bool(far.sum() > 20) is red


def test_the_command_drives_through_a_socket_and_reports(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drive.signal, "signal", lambda *_: None)
    monkeypatch.setattr(course, "draw_map", lambda track, drives, file: file.write_text(drives[0][0]))
    report, chart = tmp_path / "drive.json", tmp_path / "drive.png"
    url = f"http://127.0.0.1:{server.port}"
    arguments = ["--url", url, "--laps", "0.01", "--fast", "--report", str(report), "--map", str(chart)]
    code = drive.main(arguments)
    facts = json.loads(report.read_text())
    assert (facts["track"], facts["camera"]) == ("lake", "autonomous")
    assert facts["failure"] is None
    assert code == (1 if facts["off_road_events"] else 0)
    assert chart.read_text() == "lake"
    assert "of game time" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_replays_a_recording(server, make_recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drive.signal, "signal", lambda *_: None)
    report, chart = tmp_path / "drive.json", tmp_path / "drive.png"
    url, track = f"http://127.0.0.1:{server.port}", f"replay:{make_recording(rows=80)}"
    code = drive.main(["--url", url, "--track", track, "--fast", "--report", str(report), "--map", str(chart)])
    facts = json.loads(report.read_text())
    assert facts["failure"] is None
    assert facts["laps"] == pytest.approx(1, abs=0.01)
    assert code == (1 if facts["off_road_events"] else 0)
    assert chart.stat().st_size > 10_000
    assert "over 1 m from the human's line" in capsys.readouterr().out


def test_the_command_says_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drive.signal, "signal", lambda *_: None)
    assert drive.main(["--track", "sea"]) == 2
    assert "no track 'sea'" in capsys.readouterr().err
    assert drive.main(["--track", f"replay:{tmp_path}"]) == 2
    assert "driving_log.csv" in capsys.readouterr().err
    assert drive.main(["--track", f"replay:{tmp_path}", "--reverse"]) == 2
    assert "leave --reverse out" in capsys.readouterr().err
    report = tmp_path / "drive.json"
    assert drive.main(["--url", "http://127.0.0.1:1", "--patience", "0.1", "--report", str(report)]) == 2
    assert "no server at" in capsys.readouterr().err
    assert "no server at" in json.loads(report.read_text())["failure"]
