"""Roads are closed, as long as they should be, drivable, and where they say they are."""

import math
import re

import numpy as np
import pytest

from protocol.tracks.names import TRACK_NAMES
from simulator.roads.curves import smooth_loop
from simulator.roads.profile import LAND_AT_M, SURFACES
from simulator.world.track import Track, open_track

NAMES = ("lake", "jungle", "mountain", "random:1", "random:2")
LAKE, JUNGLE = open_track("lake"), open_track("jungle")


@pytest.fixture(params=NAMES, scope="module")
def track(request) -> Track:
    return open_track(request.param)


def test_is_one_closed_loop_to_the_left(track):
    gaps = np.hypot(*(np.roll(track.points, -1, 0) - track.points).T)
    assert gaps.max() < 0.6, "no gap, also not where the lap ends"
    turns = 0 if track.name == "jungle" else 1
    turned = track.curvature.sum() * track.spacing_m / (2 * math.pi)
    assert turned == pytest.approx(turns, abs=0.01), "once round, anticlockwise; the jungle is an 8"
    assert 1 / np.abs(track.curvature).max() > 9, "no bend tighter than a car can turn at 25 degrees (5.6 m), by far"


def test_the_lake_is_udacitys():
    """Its figures are of the meshes of Udacity's Unity project."""
    assert LAKE.length_m == pytest.approx(1137.2, abs=0.5)
    assert -1 / LAKE.curvature.min() == pytest.approx(20.8, abs=1.5), "the bend to the right"
    assert np.ptp(LAKE.height_m) == pytest.approx(0, abs=1e-9)
    assert LAKE.height_m[0] == pytest.approx(1.66)
    bridge = np.flatnonzero(LAKE.shape.left.strip == "wall") * LAKE.spacing_m
    assert (bridge.min(), bridge.max()) == pytest.approx((653, 762), abs=2)
    assert (LAKE.surface(655, 0), LAKE.surface(655, 4.4), LAKE.surface(655, 4.8)) == ("road", "road", "wall")
    assert (LAKE.surface(760, 5.5), LAKE.surface(760, -6.0)) == ("road", "road"), "the bridge widens"


@pytest.mark.parametrize(
    ("distance_m", "surfaces"),
    [
        (200, {3.6: "road", 4.0: "shoulder", 5.0: "kerb", 7.0: "grass", -3.6: "road", -4.0: "shoulder", -5.0: "kerb"}),
        (480, {4.0: "stripes", -4.0: "stripes", 5.0: "kerb"}),
        (70, {4.0: "shoulder", -4.0: "dirt", -5.3: "dirt", -5.7: "grass"}),
        (90, {4.0: "shoulder", -4.0: "road"}),
    ],
)
def test_each_place_of_the_lake_has_its_surface(distance_m, surfaces):
    assert {offset_m: LAKE.surface(distance_m, offset_m) for offset_m in surfaces} == surfaces


def test_udacitys_car_starts_on_these_roads():
    """Its place and direction are those of the scenes LakeTrackAutonomous and JungleTrackAutonomous."""
    lake, jungle = LAKE.locate(-40.62, 108.73), JUNGLE.locate(170.63, -46.57)
    assert (lake.distance_m, lake.offset_m) == pytest.approx((233.7, -0.3), abs=0.5)
    assert math.degrees(lake.heading_rad) == pytest.approx(90 - 236.1, abs=3)
    assert (jungle.distance_m, jungle.offset_m) == pytest.approx((0.1, -2.57), abs=0.1), "in its right lane"
    assert jungle.heading_rad == pytest.approx(0, abs=0.01)


def test_the_jungle_is_udacitys():
    assert JUNGLE.length_m == pytest.approx(1493.6, abs=3)
    assert (JUNGLE.height_m.min(), JUNGLE.height_m.max()) == pytest.approx((-94.75, -64.75), abs=0.3)
    assert np.abs(JUNGLE.slope).max() == pytest.approx(0.30, abs=0.01)
    assert (JUNGLE.surface(0, 4.7), JUNGLE.surface(0, 4.8)) == ("road", "grass")
    over, under = JUNGLE.locate(107.3, -34.2, 1680), JUNGLE.locate(107.3, -34.2, 2710)
    assert abs(over.offset_m) < 4
    assert abs(under.offset_m) < 4
    bridge_m = JUNGLE.height_at(over.distance_m) - JUNGLE.height_at(under.distance_m)
    assert bridge_m == pytest.approx(19.7, abs=1), "the road crosses itself"


def test_each_side_has_its_rows(track):
    for side in (track.shape.left, track.shape.right):
        assert (side.road_m > 3).all()
        assert (side.road_m <= side.strip_m).all()
        assert (side.strip_m <= side.kerb_m).all()
        assert set(side.strip) | set(side.beyond) <= set(SURFACES)
        assert len(side.road_m) == len(track.points)
        assert side.land_m is None or side.land_m.shape == (len(track.points), len(LAND_AT_M))


def test_udacitys_own_scenes_have_the_same_roads():
    for name, built_in in (("udacity-lake", LAKE), ("udacity-jungle", JUNGLE)):
        track = open_track(name)
        assert (track.name, track.look) == (name, name)
        assert np.array_equal(track.points, built_in.points)


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
    assert back.height_at(30) == pytest.approx(track.height_at(-30), abs=0.01)
    for index in range(0, len(track.points), 3):
        for offset_m in (-6.0, -5.4, -4.7, -4.0, 2.0, 4.0, 4.7, 5.4, 6.0):
            distance_m = index * track.spacing_m
            assert back.surface(-distance_m, -offset_m) == track.surface(distance_m, offset_m)
    sides = zip((back.shape.left, back.shape.right), (track.shape.right, track.shape.left), strict=True)
    for of_back, of_track in sides:
        assert of_track.land_m is None or np.array_equal(of_back.land_m[10], of_track.land_m[-10])


def test_heights_are_smooth_between_points():
    quarter_m = JUNGLE.spacing_m / 4
    heights = np.array([JUNGLE.height_at(distance_m) for distance_m in np.arange(380, 400, quarter_m)])
    assert np.ptp(heights) > 2
    assert np.abs(np.diff(heights)).max() < 0.31 * quarter_m


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
    with pytest.raises(ValueError, match=re.escape(TRACK_NAMES)):
        open_track(name)


def test_a_spline_through_a_circles_points_is_the_circle():
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    curve = smooth_loop(10 * np.stack([np.cos(angle), np.sin(angle)], 1))
    assert np.hypot(*curve.T) == pytest.approx(10, abs=0.01)
