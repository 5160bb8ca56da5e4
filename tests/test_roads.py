"""Laps are found by views that come back; sessions on several roads are told apart, and those on one road never are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.messages import MPS_PER_MPH
from protocol.recording import Sample, read_recording, row_times_s
from training.doctor.frames import decode_frames
from training.doctor.laps import find_laps
from training.doctor.roads import find_roads, road_findings

SPEED_MPH = 20.0
STEP_M = SPEED_MPH * MPS_PER_MPH * 0.1


def round_course(lap_m: float, laps: float) -> tuple[list[Sample], np.ndarray, np.ndarray]:
    """A drive round a course whose scenery, 20 x 40 grey levels, changes over some 10 m and returns each lap."""
    rng = np.random.default_rng(5)
    corners = rng.normal(size=(round(lap_m / 10), 20, 40)).astype(np.float32)
    step_m = SPEED_MPH * 0.44704 * 0.1
    place = np.arange(0, laps * lap_m, step_m) / 10
    part = (place % 1)[:, None, None]
    views = (
        corners[place.astype(int) % len(corners)] * (1 - part) + corners[(place.astype(int) + 1) % len(corners)] * part
    )
    views += rng.normal(0, 0.3, views.shape)
    first = Sample(Path("x.jpg"), None, None, 0.1, 0.2, 0.0, SPEED_MPH, 0.0, 0, 1)
    time_s = 0.1 * np.arange(place.size)
    return [replace(first, time_s=float(t)) for t in time_s], time_s, views.astype(np.float32)


def test_laps_are_found_by_the_views_that_come_back():
    laps = find_laps(*round_course(430.0, 2.5))
    assert laps.lap_m == pytest.approx(430, abs=3)
    assert laps.laps == pytest.approx(2.5, abs=0.03)
    assert laps.agreement > 0.9
    assert laps.certainty() == "sure"


def test_no_laps_where_no_view_comes_back():
    samples, time_s, views = round_course(430.0, 0.99)
    assert find_laps(samples, time_s, views) is None
    _, _, other = round_course(3000.0, 0.5)
    samples, time_s, _ = round_course(430.0, 2.5)
    assert find_laps(samples, time_s, other[: len(samples)]) is None
    assert find_laps(samples[:3], time_s[:3], views[:3]) is None


class Course:
    """A closed road of `lap_m`: scenery of 20 x 40 grey levels a direction, and bends, all of its own seed."""

    def __init__(self, lap_m: float, seed: int) -> None:
        rng = self.noise = np.random.default_rng(seed)
        self.lap_m = lap_m
        self.scenery = {way: rng.normal(size=(round(lap_m / 10), 20, 40)).astype(np.float32) for way in (1, -1)}
        bends = rng.normal(0, 0.25, round(lap_m / 40))
        self.bends = np.interp(np.arange(lap_m), np.arange(bends.size + 1) * lap_m / bends.size, [*bends, bends[0]])

    def drive(self, laps: float, way: int = 1, start_m: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Steering and views of each row. way: -1 drives it back."""
        driven_m = np.arange(0, laps * self.lap_m, STEP_M)
        place_m = (start_m + way * driven_m) % self.lap_m
        scenery = self.scenery[way]
        at = place_m / 10
        part = (at % 1)[:, None, None]
        before, after = at.astype(int) % len(scenery), (at.astype(int) + 1) % len(scenery)
        views = scenery[before] * (1 - part) + scenery[after] * part
        views += self.noise.normal(0, 0.3, views.shape)
        return way * self.bends[place_m.astype(int)], views.astype(np.float32)


def roads_of(*drives: tuple[np.ndarray, np.ndarray]):
    """The roads of a recording with these sessions."""
    first = Sample(Path("x.jpg"), None, None, 0.1, 0.2, 0.0, SPEED_MPH, 0.0, 0, 1)
    samples = [
        replace(first, steering=float(np.clip(angle, -1, 1)), time_s=1000.0 * number + 0.1 * i, session=number)
        for number, (steering, _) in enumerate(drives)
        for i, angle in enumerate(steering)
    ]
    return find_roads(samples, row_times_s(samples), np.concatenate([views for _, views in drives]))


LAKE, HILL = Course(1000.0, 1), Course(1300.0, 2)


def test_two_roads_have_their_own_laps():
    hill, lake = roads_of(HILL.drive(1.8), LAKE.drive(2.4), LAKE.drive(1.2, start_m=200))
    assert (hill.sessions, lake.sessions) == ((0,), (1, 2))
    assert hill.laps.lap_m == pytest.approx(1300, abs=4)
    assert lake.laps.lap_m == pytest.approx(1000, abs=4)
    assert lake.laps.laps == pytest.approx(3.6, abs=0.05)
    (finding,) = road_findings((hill, lake))
    assert (finding.level, finding.about) == ("fault", "roads")
    assert f"--exclude sessions=1-2 for --lap-m {hill.laps.lap_m:.0f}" in finding.advice
    assert f"--exclude sessions=0 for --lap-m {lake.laps.lap_m:.0f}" in finding.advice


def test_a_road_of_less_than_a_lap_is_another_all_the_same():
    lake, hill = roads_of(LAKE.drive(2.4), HILL.drive(0.6))
    assert lake.laps.laps == pytest.approx(2.4, abs=0.05)
    assert hill.laps is None
    (finding,) = road_findings((lake, hill))
    assert "2 roads are driven: session 0 (2" in finding.text
    assert "session 1 (7" in finding.text
    assert "--exclude sessions=0 for training's --also, for its lap is unknown" in finding.advice


@pytest.mark.parametrize("laps", [0.3, *(pytest.param(laps, marks=pytest.mark.slow) for laps in (0.7, 2.2))])
def test_the_other_direction_is_the_same_road(laps):
    (road,) = roads_of(LAKE.drive(2.4), LAKE.drive(laps, way=-1, start_m=100))
    assert road.sessions == (0, 1)
    assert road.laps.lap_m == pytest.approx(1000, abs=4)
    assert not list(road_findings((road,)))


def test_what_is_too_short_to_tell_counts_as_the_first_road():
    (road,) = roads_of(LAKE.drive(2.4), HILL.drive(0.1), HILL.drive(0.2))
    assert road.sessions == (0, 1, 2)


def test_without_any_lap_nothing_is_claimed():
    (road,) = roads_of(LAKE.drive(0.9), HILL.drive(0.9))
    assert road.laps is None


def test_a_driver_who_never_steers_is_told_by_the_views_alone():
    steering, views = LAKE.drive(1.2, start_m=50)
    (road,) = roads_of(LAKE.drive(2.4), (0 * steering, views))
    assert road.sessions == (0, 1)


@pytest.mark.slow
def test_the_real_recording_drives_one_road(steering_data):
    recording = read_recording(steering_data / "lake-recording")
    samples = recording.samples
    halves = [replace(s, session=int(s.row > 2100)) for s in samples]
    frames = decode_frames([replace(s, left=None, right=None) for s in samples], "lake-recording")
    (road,) = find_roads(halves, row_times_s(halves), frames.views)
    assert road.sessions == (0, 1)
    assert road.laps.lap_m == pytest.approx(1138, abs=5)
