"""Frames of Udacity's own scenes, on a real checkout of its simulator, which UDACITY_SIMULATOR names."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from protocol.messages import Control
from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M
from simulator.render.eye import eye_of, pose_on
from simulator.render.opening import open_scene
from simulator.render.udacity.baking.bake import Baked, bake
from simulator.render.udacity.opengl import NoOpenGl, OpenGlScene, open_opengl
from simulator.render.udacity.software import SoftwareScene, open_software
from simulator.unity.opening import open_unity_scene
from simulator.unity.unity_scene import UnityScene
from simulator.world.track import Track, open_track
from simulator.world.track_world import TrackWorld

PLACES = 12

Real = tuple[Track, UnityScene, Baked]


@pytest.fixture(scope="module", params=["udacity-lake", "udacity-jungle"])
def real(request, tmp_path_factory) -> Iterator[Real]:
    """A track, its scene, and what is computed of it."""
    if not os.environ.get("UDACITY_SIMULATOR"):
        pytest.skip("set UDACITY_SIMULATOR to a checkout of Udacity's simulator to run this test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEERING_CACHE", str(tmp_path_factory.mktemp("cache")))
        track, scene = open_track(request.param), open_unity_scene(request.param)
        yield track, scene, bake(scene, track.points)


def frames(drawn, track: Track) -> np.ndarray:
    views = []
    for number in range(PLACES):
        pose = pose_on(track, number * len(track.points) // PLACES)
        views.append(drawn.draw(eye_of(AUTONOMOUS.center, CAMERA_AHEAD_M, pose), 1))
    return np.array(views).astype(int)


@pytest.mark.slow
def test_both_renderers_show_a_grey_road_and_agree(real):
    track, scene, baked = real
    by_software = frames(SoftwareScene(open_software(), baked, scene), track)
    road = by_software[:, 105:130, 130:190].mean((1, 2))
    assert ((road > 60) & (road < 230)).all()
    assert np.median(np.ptp(road, axis=1)) < 30, "grey"
    try:
        opengl = open_opengl()
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    by_opengl = frames(OpenGlScene(opengl, baked, scene), track)
    assert np.abs(by_opengl - by_software).mean() < 24
    differences = np.abs(by_opengl.mean((1, 2)) - by_software.mean((1, 2))).max(1)
    assert np.median(differences) < 6
    assert differences.max() < 20, "against the sun, roads shine by OpenGL alone"


@pytest.mark.slow
def test_the_lake_has_a_blue_sky_and_yellow_lines(real):
    track, scene, baked = real
    if track.name != "udacity-lake":
        pytest.skip("the jungle has no yellow lines")
    views = frames(SoftwareScene(open_software(), baked, scene), track)
    sky = views[:, 3, 160]
    assert (sky[:, 2] > sky[:, 0] + 40).all()
    yellow = views[:, 90:130, :, :2].min(3) - views[:, 90:130, :, 2] > 50
    assert yellow.any((1, 2)).mean() > 0.7


@pytest.mark.slow
def test_equal_drives_see_equal_frames(real):
    track, _, _ = real
    drives = []
    for _ in range(2):
        scene = open_scene(track)
        world = TrackWorld(track, scene, laps=1, seed=3)
        seen = []
        for number in range(20):
            world.apply(Control(0.1 * np.sin(number), 0.5))
            world.step(0.05)
            seen.append(world.frame())
        drives.append(seen)
        scene.close()
    assert np.array_equal(*drives)
