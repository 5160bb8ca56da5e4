"""The robustness measure: where it drives, what it keeps, what it reports, and its command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulator.render.opening import open_scene
from simulator.world.course import judged_world
from simulator.world.track import open_track
from tests.frame_policy import FramePolicy
from training.evaluate import drive
from training.robustness import __main__ as command
from training.robustness.catalogue import CLEAN, CORRUPTIONS, corruption
from training.robustness.corrupted_world import CorruptedWorld
from training.robustness.drives import Outcome, Plan, drive_case, summed
from training.robustness.records import Records
from training.robustness.report import RobustnessReport, markdown
from training.robustness.stretches import RoadStretch, choose_stretches

LAKE = open_track("lake")
ROOT = Path(__file__).parent.parent
PLAN = Plan(LAKE, [RoadStretch(10.0, 30.0), RoadStretch(100.0, 30.0)], 15.0, 0)


class ByBrightness(FramePolicy):
    """Steers by the difference of the picture's halves, so each pixel counts."""

    def predict(self, frames):
        halves = frames[:, 60:130].reshape(len(frames), -1, 2, 160, 3).mean((1, 3, 4), dtype=np.float64)
        return np.asarray((halves[:, 1] - halves[:, 0]) / 50, np.float32)


def outcome(autonomy, cte=0.3, events=0):
    return Outcome(autonomy, events, events, cte, 2 * cte, 60.0, 400.0, 0)


def test_it_drives_where_the_road_turns_most_and_nowhere_twice():
    stretches = choose_stretches(LAKE, 400.0, 4)
    assert [stretch.length_m for stretch in stretches] == [100.0] * 4
    points = [np.arange(round(s.start_m), round(s.start_m) + 100) % round(LAKE.length_m) for s in stretches]
    assert len(np.unique(np.concatenate(points))) == 400
    places = np.arange(len(LAKE.points)) * LAKE.spacing_m
    turning = [
        np.abs(LAKE.curvature[(places - stretch.start_m) % LAKE.length_m < 100.0]).sum() for stretch in stretches
    ]
    assert turning == sorted(turning, reverse=True)
    assert min(turning) > np.abs(LAKE.curvature).sum() * 100 / LAKE.length_m, "more than the road's mean"


def test_whole_laps_begin_where_laps_do_and_too_many_stretches_are_refused():
    assert choose_stretches(LAKE, 2500.0, 1) == [RoadStretch(0.0, 2500.0)]
    with pytest.raises(ValueError, match="no room for 3 stretches of 500 m"):
        choose_stretches(LAKE, 1500.0, 3)


def test_an_undisturbed_drive_is_evaluates_own(scene):
    length_m = 0.03 * LAKE.length_m
    ours = CorruptedWorld(LAKE, scene, RoadStretch(0.0, length_m), CLEAN.start(0, 0), seed=2)
    theirs = judged_world(LAKE, scene, laps=0.03, seed=2)
    for world in (ours, theirs):
        drive(ByBrightness(), world, 15)
    assert ours.log.positions == theirs.log.positions
    assert ours.log.report() == theirs.log.report()


def test_the_same_seed_gives_the_same_drive_to_the_last_bit(scene):
    def positions(seed):
        disturbance = corruption("gaussian-noise").start(0.2, seed)
        world = CorruptedWorld(LAKE, scene, RoadStretch(0.0, 8.0), disturbance)
        drive(ByBrightness(), world, 15)
        return world.log.positions

    first = positions(3)
    assert positions(3) == first
    assert positions(4) != first


def test_each_stretch_has_a_seed_of_its_own(scene):
    def drive_with(seed, stretches=1):
        plan = Plan(LAKE, [RoadStretch(0.0, 6.0)] * stretches, 15.0, seed)
        return drive_case(ByBrightness(), plan, scene, corruption("wheel-offset"), 5)

    first, second, both = drive_with(0), drive_with(1), drive_with(0, stretches=2)
    assert first.max_cte_m != second.max_cte_m
    assert both.max_cte_m == max(first.max_cte_m, second.max_cte_m)
    assert both.distance_m == pytest.approx(first.distance_m + second.distance_m, abs=0.02)


def test_several_drives_are_summed_up_by_time(scene):
    reports = []
    for laps in (0.01, 0.03):
        world = judged_world(LAKE, scene, laps)
        drive(ByBrightness(), world, 15)
        world.log.note_off_road(world.place, False)
        reports.append(world.log.report())
    total = summed(reports)
    elapsed_s = sum(report.elapsed_s for report in reports)
    assert total.off_road_events == sum(report.off_road_events for report in reports)
    assert total.autonomy_percent == pytest.approx(max(0, 100 * (1 - 6 * total.off_road_events / elapsed_s)), abs=0.01)
    mean = sum(report.mean_cte_m * report.elapsed_s for report in reports) / elapsed_s
    assert total.mean_cte_m == pytest.approx(mean, abs=1e-4)


def test_the_report_has_the_most_harmful_first_and_the_mean():
    causes = [corruption(name) for name in ("fog", "latency", "snow")]
    outcomes = {("clean", 1): outcome(100.0)}
    for strength in (1, 3, 5):
        for cause, autonomy, cte in zip(causes, (90.0, 40.0, 90.0), (0.3, 0.2, 0.5), strict=True):
            outcomes[cause.name, strength] = outcome(autonomy if strength == 3 else 100.0, cte, 2)
    text = markdown(RobustnessReport(PLAN, causes, [1, 3, 5], {"eff": outcomes}))
    rows = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("| ")]
    assert rows[2:7] == ["latency", "snow", "fog", "**mean of 3**", "clean"]
    assert "| latency | 150 ms | 40 %, 2, 0.20 m |" in text
    assert "**73.3 %**" in text
    assert "| 1 | 100.0 % |" in text
    assert "2 x 30 m of `lake` at 15 mph" in text
    assert "strength 5" in markdown(RobustnessReport(PLAN, causes, [1, 5], {"eff": outcomes}))


def test_records_go_on_where_they_were_and_refuse_other_drives(tmp_path):
    model, file = tmp_path / "eff.h5", tmp_path / "eff.json"
    model.write_bytes(b"network")
    fog, snow = corruption("fog"), corruption("snow")
    records = Records(file, model, None, PLAN)
    records.add(fog, 3, outcome(88.5))
    again = Records(file, model, None, PLAN)
    assert again.outcome(fog, 3) == outcome(88.5)
    assert [again.has(fog, 4), again.has(snow, 3)] == [False, False]
    model.write_bytes(b"another network")
    with pytest.raises(ValueError, match="another model_sha256; delete it, or name another --out"):
        Records(file, model, None, PLAN)
    model.write_bytes(b"network")
    with pytest.raises(ValueError, match="another speed_mph, seed"):
        Records(file, model, None, Plan(LAKE, PLAN.stretches, 12.0, 1))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace("88.5", "-1"),
        lambda text: text.replace("88.5", "NaN"),
        lambda text: text.replace("88.5", '"many"'),
        lambda text: text.replace("mean_cte_m", "mean"),
        lambda text: f"[{text}]",
        lambda text: text + " " * (5 << 20),
    ],
)
def test_damaged_records_are_one_clear_line(tmp_path, damage):
    model, file = tmp_path / "eff.h5", tmp_path / "eff.json"
    model.write_bytes(b"network")
    Records(file, model, None, PLAN).add(corruption("fog"), 3, outcome(88.5))
    file.write_text(damage(file.read_text()))
    with pytest.raises(ValueError, match=r"eff.json is damaged \(.+\); delete it"):
        Records(file, model, None, PLAN)


@pytest.fixture
def short(tmp_path, monkeypatch):
    """short(*options) -> exit code: the command with a small policy on 20 m of the lake."""
    monkeypatch.setattr(command, "open_engine", lambda path, engine, preprocess, threads: ByBrightness())
    model = tmp_path / "small.h5"
    model.write_bytes(b"network")

    def run(*options):
        arguments = [str(model), "--out", str(tmp_path / "out"), "--metres", "20", "--starts", "1", *options]
        return command.main(arguments)

    return run


def test_the_command_writes_table_map_and_records(short, tmp_path, capsys):
    assert short("--corruptions", "wheel-offset", "latency", "--strengths", "3", "1", "--speed", "25") == 0
    out = tmp_path / "out"
    assert sorted(file.name for file in out.iterdir()) == ["robustness.md", "robustness.png", "small.json"]
    assert (out / "robustness.md").read_text() in capsys.readouterr().out
    cases = json.loads((out / "small.json").read_text())["cases"]
    assert [(case["corruption"], case["amount"]) for case in cases] == [
        ("clean", 0), ("wheel-offset", 0.5), ("wheel-offset", 2), ("latency", 50), ("latency", 150),
    ]  # fmt: skip
    assert all(case["distance_m"] >= 20 for case in cases)
    with Image.open(out / "robustness.png") as picture:
        assert picture.width > 200


@pytest.mark.slow
def test_the_same_command_goes_on_after_ctrl_c(short, monkeypatch, capsys):
    driven = []
    real = command.drive_case

    def interrupted(policy, plan, scene, cause, strength, bar):
        driven.append(cause.name)
        if len(driven) == 2:
            raise KeyboardInterrupt
        return real(policy, plan, scene, cause, strength, bar)

    monkeypatch.setattr(command, "drive_case", interrupted)
    assert short("--corruptions", "jpeg", "contrast") == 130
    assert "finished drives are kept" in capsys.readouterr().err
    assert short("--corruptions", "jpeg", "contrast") == 0
    assert driven == ["clean", "jpeg", "jpeg", "contrast"]
    assert short("--corruptions", "jpeg", "contrast") == 0
    assert len(driven) == 4, "nothing is driven twice"


def test_bad_input_is_one_clear_line(short, tmp_path, capsys):
    assert short("--corruptions", "fogg") == 2
    assert "did you mean fog?" in capsys.readouterr().err
    assert short("--track", "sea") == 2
    assert capsys.readouterr().err.startswith("robustness: no track 'sea'")
    assert short("--metres", "5000", "--starts", "10") == 2
    assert "no room for 10 stretches" in capsys.readouterr().err
    assert command.main([str(tmp_path / "small.h5")] * 2) == 2
    assert "named twice" in capsys.readouterr().err
    for options in (["--strengths", "6"], ["--speed", "99"], ["--starts", "0"], ["--seed", "-1"]):
        with pytest.raises(SystemExit, match="2"):
            short(*options)
    with pytest.raises(SystemExit, match="2"):
        command.main([])
    assert "--sheet FILE.jpg" in capsys.readouterr().err


@pytest.mark.slow
def test_the_sheet_has_a_picture_of_each_corruption_that_shows(tmp_path):
    file = tmp_path / "sheet.jpg"
    assert command.main(["--sheet", str(file)]) == 0
    with Image.open(file) as sheet:
        assert sheet.width > 1000
    assert file.stat().st_size < 200_000


@pytest.mark.slow
def test_a_shipped_model_suffers_from_noise_and_not_from_a_little_latency(tmp_path):
    model, out = ROOT / "models" / "eff-small.h5", tmp_path / "out"
    arguments = [str(model), "--out", str(out), "--metres", "100", "--starts", "1", "--strengths", "1", "5"]
    assert command.main([*arguments, "--corruptions", "gaussian-noise", "latency"]) == 0
    cases = json.loads((out / "eff-small.json").read_text())["cases"]
    by_case = {(case["corruption"], case["amount"]): case for case in cases}
    assert by_case["clean", 0]["autonomy_percent"] == 100
    assert by_case["latency", 50]["autonomy_percent"] == 100
    assert by_case["gaussian-noise", 0.38]["mean_cte_m"] > by_case["clean", 0]["mean_cte_m"]
    assert len(cases) == 1 + 2 * 2
    assert len(CORRUPTIONS) == 25


def test_the_lake_is_opened_once_for_all(short, monkeypatch):
    scenes = []
    monkeypatch.setattr(command, "open_scene", lambda track: scenes.append(open_scene(track)) or scenes[-1])
    assert short("--corruptions", "jpeg") == 0
    assert len(scenes) == 1
