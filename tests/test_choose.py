"""The best driver leaves the road least often; corrections carry the expert's steering, not the car's."""

import numpy as np
import pytest

from protocol.recording import read_recording
from simulator.world.course import judged_world
from simulator.world.drive_log import DriveLog
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld
from tests.frame_policy import FramePolicy
from training.judge import choose, dagger
from training.judge.choose import badness, driver_of, figures, replay_lines, trial_drives
from training.judge.dagger import record_corrections


class Straight(FramePolicy):
    """Never turns."""

    def predict(self, frames):
        return np.zeros(len(frames), np.float32)


def test_leaving_the_road_counts_before_replays_and_those_before_distance():
    def drove(events, interventions, mean_m):
        return {
            "lake": {"off_road_events": events, "mean_cte_m": mean_m},
            "replay of lake": {"off_road_events": interventions, "mean_cte_m": 0},
        }

    ranked = sorted([drove(1, 0, 0.1), drove(0, 3, 0.1), drove(0, 2, 0.9), drove(0, 2, 0.2)], key=badness)
    assert [badness(driving) for driving in ranked] == [(0, 2, 0.1), (0, 2, 0.45), (0, 3, 0.05), (1, 0, 0.05)]


def test_recordings_with_three_cameras_are_replayed_and_others_are_not(make_recording, monkeypatch, capsys):
    monkeypatch.setattr(choose, "REPLAYED_M", 30.0)
    whole, one, short = make_recording(100), make_recording(100, name="one", cameras=1), make_recording(8, name="short")
    lines = replay_lines([whole, one, short])
    assert [line.name for line in lines] == ["recording"]
    assert "not replayed: short has no" in capsys.readouterr().out
    driving = trial_drives(Straight(), "straight", (), lines)
    (replay,) = driving.values()
    assert list(driving) == ["replay of recording"]
    assert replay["distance_m"] == pytest.approx(30, abs=1)
    assert badness(driving)[:2] == (0, replay["off_road_events"])


def test_many_recordings_share_the_metres_to_replay(make_recording, monkeypatch):
    monkeypatch.setattr(choose, "ALL_REPLAYED_M", 30.0)
    lines = replay_lines([make_recording(100, name=name) for name in ("one", "two", "three")])
    driving = trial_drives(Straight(), "straight", (), lines)
    assert [trial["distance_m"] for trial in driving.values()] == pytest.approx([10, 10, 10], abs=1)


def test_figures_are_the_plain_numbers_of_a_report():
    numbers = figures(DriveLog(100.0).report())
    assert numbers["off_road_events"] == 0
    assert "lap_times_s" not in numbers
    assert all(isinstance(value, float) for value in numbers.values())


def a_part_of_the_lap(track, scene, laps, seed=0):
    """The course of a lap, which ends early."""
    assert laps == 1.0
    return judged_world(track, scene, 0.25, seed)


@pytest.mark.slow
def test_one_who_never_turns_fails_every_trial(monkeypatch):
    monkeypatch.setattr(choose, "judged_world", a_part_of_the_lap)
    driving = trial_drives(Straight(), "straight", (("lake", False, 15.0), ("lake", True, 25.0)))
    assert set(driving) == {"lake, 15 mph", "lake back, 25 mph"}
    assert all(trial["off_road_events"] > 3 for trial in driving.values())


@pytest.mark.parametrize("offset_m", [2.0, pytest.param(-2.0, marks=pytest.mark.slow)])
def test_corrections_steer_towards_the_line_from_either_side(offset_m, tmp_path, monkeypatch):
    """Left of the line is positive, and so is steering to the right."""

    def beside_the_line(track, scene, laps, seed):
        world = TrackWorld(track, scene, laps, seed, limit_s=1.0)
        world._place_car(round(200 / track.spacing_m), offset_m)
        return world

    monkeypatch.setattr(dagger, "open_track", lambda name: open_track("lake"))
    monkeypatch.setattr(dagger, "judged_world", beside_the_line)
    samples = read_recording(record_corrections(Straight(), tmp_path / "corrections-1", 1, ())).samples
    assert len(samples) == 10
    assert all(sample.steering * offset_m > 0 for sample in samples)


@pytest.mark.slow
def test_corrections_lead_back_to_the_road(tmp_path, monkeypatch):
    monkeypatch.setattr(dagger, "FIRST_RANDOM_ROAD", 3)
    monkeypatch.setattr(dagger, "judged_world", a_part_of_the_lap)
    folder = record_corrections(Straight(), tmp_path / "corrections-1", 1, ("lake",))
    recording = read_recording(folder)
    assert not recording.problems
    assert len({sample.session for sample in recording.samples}) == 3, "one for each road and direction"
    steering = np.array([sample.steering for sample in recording.samples if sample.session == 0])
    turn_rad = float(np.sum(open_track("lake").curvature)) * open_track("lake").spacing_m
    assert abs(turn_rad) == pytest.approx(2 * np.pi, abs=0.1), "one lap, positive to the left"
    assert steering.mean() * np.sign(turn_rad) < -0.05, "the car drove straight, and the expert would have turned"
    before = (folder / "driving_log.csv").read_bytes()
    record_corrections(Straight(), folder, 1, ("lake",))
    assert (folder / "driving_log.csv").read_bytes() == before, "what is there is kept"


@pytest.mark.slow
def test_a_model_is_driven_as_the_server_would(tmp_path):
    import keras  # noqa: PLC0415

    from models.steering import eff  # noqa: PLC0415

    keras.utils.set_random_seed(1)
    model = eff()
    frames = np.random.default_rng(0).integers(0, 256, (2, 160, 320, 3), np.uint8)
    np.testing.assert_allclose(
        driver_of(model, tmp_path).predict(frames), np.asarray(model(frames, training=False))[:, 0], atol=1e-5
    )
