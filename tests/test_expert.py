"""The expert finds back to its line, and its recordings say how."""

import numpy as np
import pytest

from protocol.recording import read_recording
from simulator import record
from simulator.world.expert import Expert
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld

LAKE = open_track("lake")


def test_steers_home_from_either_side():
    for offset in (2.0, -2.0):
        world = TrackWorld(LAKE, None, 1)
        world._place_car(round(200 / LAKE.spacing_m), offset)
        expert = Expert(world, 15)
        assert expert.control().steering * offset > 0, "positive is right, and left of the line is positive too"
        for _ in range(120):
            world.apply(expert.control())
            world.step(0.05)
        assert abs(world.place.offset_m) < 0.2


@pytest.mark.parametrize("track", ["lake", "mountain", "random:5"])
def test_recovers_from_its_disturbances(track):
    world = TrackWorld(open_track(track), None, 1)
    expert = Expert(world, 15, disturbed=True, seed=2)
    offsets = []
    while not world.finished:
        world.apply(expert.disturbed(expert.control()))
        world.step(0.05)
        offsets.append(abs(world.place.offset_m))
    assert world.log.off_road_events == 0
    assert max(offsets) > 0.4
    assert np.median(offsets) < 0.3


def test_records_in_udacitys_format_the_same_each_time(tmp_path, capsys):
    for name in ("one", "two"):
        assert record.main([str(tmp_path / name), "--laps", "0.005", "--seed", "4"]) == 0
    one, two = (read_recording(tmp_path / name) for name in ("one", "two"))
    assert not one.problems
    assert len(one.samples) > 5
    assert all(s.left and s.right for s in one.samples)
    assert np.diff([s.time_s for s in one.samples]) == pytest.approx(0.1, abs=2e-3)
    for a, b in zip(one.samples, two.samples, strict=True):
        assert a.steering == b.steering
        assert a.center.read_bytes() == b.center.read_bytes()
        assert a.left.read_bytes() == b.left.read_bytes() != a.right.read_bytes()
    assert record.main([str(tmp_path / "one")]) == 2
    assert "holds a recording already" in capsys.readouterr().err
    assert record.main([str(tmp_path / "three"), "--track", "sea"]) == 2
    assert not (tmp_path / "three").exists()


def test_records_with_the_recording_cars_cameras_unless_told_otherwise(tmp_path):
    for name, options in {"one": [], "same": ["--camera", "recording"], "other": ["--camera", "autonomous"]}.items():
        assert record.main([str(tmp_path / name), "--laps", "0.002", *options]) == 0
    one, same, other = (
        read_recording(tmp_path / name).samples[0].center.read_bytes() for name in ("one", "same", "other")
    )
    assert one == same != other


def test_ctrl_c_leaves_the_rows_so_far_and_says_so(tmp_path, monkeypatch, capsys):
    frames = []

    def jpeg_of(frame):
        frames.append(frame)
        if len(frames) > 7:
            raise KeyboardInterrupt
        return encoded(frame)

    encoded = record.jpeg_of
    monkeypatch.setattr(record, "jpeg_of", jpeg_of)
    assert record.main([str(tmp_path / "lake"), "--laps", "0.01"]) == 130
    assert "the rows recorded so far are complete" in capsys.readouterr().err
    assert len(read_recording(tmp_path / "lake").samples) == 2
