"""Roads are closed, as long as they should be, drivable, and where they say they are."""

import math

import numpy as np
import pytest

from simulator.world.track import Track, open_track, smooth_loop

NAMES = ("lake", "mountain", "random:1", "random:2")


@pytest.fixture(params=NAMES, scope="module")
def track(request) -> Track:
    return open_track(request.param)


def test_is_one_closed_loop_to_the_left(track):
    gaps = np.hypot(*(np.roll(track.points, -1, 0) - track.points).T)
    assert gaps.max() < 0.6, "no gap, also not where the lap ends"
    assert track.curvature.sum() * track.spacing_m == pytest.approx(2 * math.pi, abs=0.01), "once round, anticlockwise"
    assert 1 / np.abs(track.curvature).max() > 12, "no bend tighter than a car can turn at 25 degrees (5.6 m), by far"


def test_the_lake_is_as_long_as_udacitys():
    lake = open_track("lake")
    assert lake.length_m == pytest.approx(1135, abs=1)
    assert lake.curvature.min() < -1 / 40, "it has a bend to the right"
    assert lake.has("bridge", 700, 1)
    assert not lake.has("bridge", 400, 1)


def test_locates_what_it_placed(track):
    for distance, offset in ((0.0, 1.5), (100.2, -2.0), (track.length_m - 0.1, 3.0)):
        index = round(distance / track.spacing_m) % len(track.points)
        heading = track.heading_rad[index]
        x, y = track.points[index] + offset * np.array([-math.sin(heading), math.cos(heading)])
        for near in (None, index + 20):
            place = track.locate(x, y, near)
            assert place.offset_m == pytest.approx(offset, abs=0.05)
            assert abs((place.distance_m - distance + 50) % track.length_m - 50) < 0.6


def test_distances_wrap_round_the_lap(track):
    assert track.point_at(track.length_m + 5) == pytest.approx(track.point_at(5))
    assert track.point_at(-5) == pytest.approx(track.point_at(track.length_m - 5))


def test_reversed_is_the_same_road(track):
    back = track.reversed()
    assert back.points[0] == pytest.approx(track.points[0])
    assert back.point_at(30) == pytest.approx(track.point_at(-30), abs=0.01)
    assert back.curvature[100] == pytest.approx(-track.curvature[-100])
    assert back.slope[100] == pytest.approx(-track.slope[-100])
    for s in track.features:
        middle = s.start_m + (s.end_m - s.start_m) % track.length_m / 2
        assert back.has(s.kind, -middle % track.length_m, -s.side or 1)


def test_kerbs_may_pass_the_end_of_the_lap():
    lake = open_track("lake")
    assert lake.has("kerb", 1130, 1)
    assert lake.has("kerb", 5, 1)
    assert not lake.has("kerb", 30, 1)


def test_random_roads_differ_by_seed_alone():
    assert np.array_equal(open_track("random:3").points, open_track("random:3").points)
    assert not np.array_equal(open_track("random:3").points[:500], open_track("random:4").points[:500])
    for seed in range(12):
        road = open_track(f"random:{seed}")
        assert 500 < road.length_m < 1600
        assert np.abs(road.curvature).max() <= 1 / 20


@pytest.mark.parametrize(
    "name", ["", "sea", "random", "random:", "random:-1", "random:x", "random:9999999999", "lake:1"]
)
def test_an_unknown_track_names_those_there_are(name):
    with pytest.raises(ValueError, match="lake, mountain and random:SEED"):
        open_track(name)


def test_a_spline_through_a_circles_points_is_the_circle():
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    curve = smooth_loop(10 * np.stack([np.cos(angle), np.sin(angle)], 1))
    assert np.hypot(*curve.T) == pytest.approx(10, abs=0.01)
