"""The reader on a real checkout of Udacity's simulator, which UDACITY_SIMULATOR names."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from simulator.unity.opening import open_unity_scene


@pytest.fixture(scope="module")
def checkout():
    if not os.environ.get("UDACITY_SIMULATOR"):
        pytest.skip("set UDACITY_SIMULATOR to a checkout of Udacity's simulator to run this test")
    return Path(os.environ["UDACITY_SIMULATOR"])


@pytest.fixture(scope="module")
def scenes(checkout, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEERING_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield {track: open_unity_scene(track, checkout) for track in ("udacity-lake", "udacity-jungle")}


def rows_of(file):
    """The rows of a table of numbers, as arrays by column; columns of text are left out."""
    with open(file, newline="") as table:
        rows = list(csv.DictReader(table))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name in {"x", "y", "z"}}


def surface_height(parts, x, y, near):
    """The surface over or under each place (x, y) that is nearest to the height `near`; inf where there is none."""
    corners = np.concatenate([part.places[part.corners] for part in parts]).astype(np.float64)
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (corners[:, k].T for k in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    keep = np.abs(area) > 1e-9
    heights = []
    for px, py, pz in zip(x, y, near, strict=True):
        v = ((px - ax) * (cy - ay) - (cx - ax) * (py - ay))[keep] / area[keep]
        w = ((bx - ax) * (py - ay) - (px - ax) * (by - ay))[keep] / area[keep]
        inside = (v >= -1e-6) & (w >= -1e-6) & (v + w <= 1 + 1e-6)
        z = az[keep] + v * (bz - az)[keep] + w * (cz - az)[keep]
        heights.append(min(z[inside], key=lambda height: abs(height - pz), default=np.inf))
    return np.array(heights)


def fronts_agree(part):
    """The share of triangles whose winding and normals show the same front."""
    first, second, third = (part.places[part.corners[:, k]] for k in range(3))
    across = np.cross(second - first, third - first)
    return (np.einsum("ij,ij->i", across, part.normals[part.corners].sum(1)) >= 0).mean()


@pytest.mark.slow
def test_the_lakes_road_lies_under_its_centre_line(scenes, steering_data):
    line = rows_of(steering_data / "udacity-tracks/centre_line.csv")
    road = [part for part in scenes["udacity-lake"].parts if part.name in {"Box02", "bridgeBottom"}]
    x, y = line["x"][::10], line["z"][::10]
    assert surface_height(road, x, y, np.full(len(x), 1.6)) == pytest.approx(np.full(len(x), 1.6), abs=0.1)


@pytest.mark.slow
def test_the_lakes_meshes_have_the_measured_areas(scenes):
    areas = {}
    for part in scenes["udacity-lake"].parts:
        first, second, third = (part.places[part.corners[:, k]].astype(np.float64) for k in range(3))
        area = np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2
        areas[part.material] = areas.get(part.material, 0) + area
    assert areas["asphalt"] == pytest.approx(8918, abs=1)
    assert areas["asphalt-dirt"] == pytest.approx(58.8, abs=0.1)
    assert areas["bridge_wall"] == pytest.approx(7532, abs=1)
    assert areas["dirt"] == pytest.approx(121.5, abs=0.1)
    assert areas["tire"] == pytest.approx(319.8, abs=0.1)
    assert areas["mountain-wall"] == pytest.approx(28705, abs=3)


@pytest.mark.slow
def test_the_jungles_road_lies_under_its_centre_line(scenes, steering_data):
    line = rows_of(steering_data / "udacity-tracks/jungle_centre_line.csv")
    road = [part for part in scenes["udacity-jungle"].parts if part.name.startswith("road_")]
    assert len(road) == 83
    x, y, z = line["x"][::10], line["z"][::10], line["y"][::10]
    assert surface_height(road, x, y, z) == pytest.approx(z, abs=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("track", ["udacity-lake", "udacity-jungle"])
def test_land_lies_below_the_road_and_triangles_show_their_fronts(scenes, steering_data, track):
    scene = scenes[track]
    name = "centre_line.csv" if track == "udacity-lake" else "jungle_centre_line.csv"
    line = rows_of(steering_data / "udacity-tracks" / name)
    (land,) = scene.terrains
    columns = ((line["x"] - land.origin[0]) / land.cell_m[0]).round().astype(int)
    rows = ((line["z"] - land.origin[1]) / land.cell_m[1]).round().astype(int)
    ground = land.heights[rows, columns]
    road = line.get("y", np.full(len(ground), 1.66))
    assert (ground < road + 0.5).mean() > 0.95
    assert np.median(road - ground) < 3
    assert np.mean([fronts_agree(part) for part in scene.parts]) > 0.99


@pytest.mark.slow
def test_the_lakes_light_fog_and_plants(scenes):
    lake = scenes["udacity-lake"]
    sun, blue = lake.lights
    assert sun.direction == pytest.approx((-0.7406, -0.0042, -0.672), abs=1e-3)
    assert blue.direction == pytest.approx((0.6465, -0.2075, -0.7342), abs=1e-3)
    assert sun.color == pytest.approx((1.553, 1.419, 1.130), abs=1e-3)
    assert (lake.fog.start_m, lake.fog.end_m, lake.water_m) == (100, 600, pytest.approx(-0.5, abs=0.1))
    assert lake.ambient == (0, 0, 0)
    land = lake.terrains[0]
    assert sum(len(plants.places) for plants in land.plants if "Conifer" in plants.name) == 334
    assert [layer.tangent_lit for layer in land.layers] == [True, False, True, True]
