"""Opening Udacity's scenes: which renderer draws, who shares it, and what other processes and compilers see."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from simulator.render.camera import AUTONOMOUS
from simulator.render.eye import CarPose, Eye
from simulator.render.opening import changed_scene, open_scene
from simulator.render.scene import Scene
from simulator.render.udacity import drawing
from simulator.render.udacity.baking.bake import bake
from simulator.render.udacity.opengl import NoOpenGl, OpenGlScene, open_opengl
from simulator.render.udacity.scene import UdacityScene
from simulator.unity.unity_scene import UnityScene
from simulator.world.track import open_track
from tests.tiny_unity_scene import (
    ROAD_RGB,
    tiny_scene,
)

ROAD = np.array([(0.0, y) for y in range(-40, 40)])
AHEAD = Eye((0.0, 0.0, 1.2), (0.0, 0.0, 0.0))
LEVEL = 2.5
"""Levels of 255 by which a colour may differ: vertices hold light in 128 steps."""


@pytest.fixture
def tiny_checkout(monkeypatch):
    """Every track of Udacity's shows the tiny scene, opened anew for this test; returns the list of openings."""
    opened: list[str] = []

    def tiny(name: str) -> UnityScene:
        opened.append(name)
        return tiny_scene()

    monkeypatch.setattr(drawing, "open_unity_scene", tiny)
    monkeypatch.setattr(drawing, "_renderers", drawing._Renderers())
    return opened


def test_a_track_chooses_its_renderer(tiny_checkout):
    for name, kind in (("lake", Scene), ("udacity-lake", UdacityScene)):
        scene = open_scene(open_track(name))
        assert type(scene) is kind
        scene.close()


def test_shadows_belong_to_the_name_of_udacitys_tracks_only():
    track = open_track("udacity-lake:shadows")
    assert (track.name, track.road, track.look) == ("udacity-lake:shadows", "udacity-lake", "udacity-lake")
    for name in ("lake:shadows", "random:7:shadows", "udacity-lake:night"):
        with pytest.raises(ValueError, match="no track"):
            open_track(name)


def test_a_change_of_track_keeps_the_renderer_only_where_it_can_draw_both(tiny_checkout):
    built_in, udacity = open_track("lake"), open_track("udacity-lake")
    scene = open_scene(udacity)
    same = changed_scene(scene, open_track("udacity-jungle"))
    assert same is scene
    other = changed_scene(scene, built_in)
    assert isinstance(other, Scene)
    assert isinstance(changed_scene(other, udacity), UdacityScene)
    assert tiny_checkout == ["udacity-lake", "udacity-jungle", "udacity-lake"]


def test_scenes_of_one_look_share_it_and_the_last_frees_it(tiny_checkout):
    lake = open_track("udacity-lake")
    first, second, reverse = open_scene(lake), open_scene(lake), open_scene(lake.reversed())
    assert tiny_checkout == ["udacity-lake"]
    place = CarPose(0.0, -2.6, 0.0, np.pi / 2)
    assert np.array_equal(first.render(place), reverse.render(place))
    first.close()
    assert second.render(place).shape == (160, 320, 3)
    second.close()
    reverse.close()
    open_scene(lake).close()
    assert tiny_checkout == ["udacity-lake"] * 2


@pytest.mark.parametrize("opengl", [True, False])
def test_the_cameras_see_hood_and_road_and_the_one_behind_sees_the_car(tiny_checkout, monkeypatch, opengl):
    if not opengl:
        monkeypatch.setattr(drawing._renderers, "opengl", None, raising=False)
    scene = open_scene(open_track("udacity-lake"))
    place = CarPose(0.0, 0.0, 0.0, np.pi / 2)
    frame = scene.render(place, AUTONOMOUS.center)
    assert np.array_equal(frame[140, 160], (168, 158, 134)), "the hood"
    assert frame[110, 160] == pytest.approx(np.array(ROAD_RGB) * (0.5, 0.6, 0.7), abs=LEVEL)
    behind = scene.render_behind(place, 5.0).astype(int)
    assert ((behind[..., 0] - behind[..., 1]) > 100).sum() > 500, "red paint"
    assert np.array_equal(scene.render(place, AUTONOMOUS.center), frame), "the car is gone again"
    scene.close()


def test_without_opengl_the_software_draws_and_says_so_once(tiny_checkout, monkeypatch, capsys):
    def none():
        raise NoOpenGl("no EGL library works here")

    monkeypatch.setattr(drawing, "open_opengl", none)
    for name in ("udacity-lake", "udacity-jungle"):
        scene = open_scene(open_track(name))
        assert scene.render(CarPose(0.0, 0.0, 0.0, np.pi / 2))[110, 160, 0] > 50
        scene.close()
    message = capsys.readouterr().err
    assert message.count("no EGL library works here") == 1
    assert "apt install" in message


WITH_TENSORFLOW = """
import sys
from tests.test_udacity_opening import AHEAD, ROAD, bake, open_opengl, OpenGlScene, tiny_scene

def draw():
    scene = tiny_scene()
    return OpenGlScene(open_opengl(), bake(scene, ROAD), scene).draw(AHEAD, 1).mean()

def compile_and_run():
    import tensorflow as tf
    product = tf.function(lambda x: tf.linalg.matmul(x, x), jit_compile=True)
    return float(product(tf.ones((8, 8)))[0, 0])

steps = [draw, compile_and_run]
if sys.argv[1] == "last":
    steps.reverse()
print(*(step() for step in [*steps, *steps]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("opengl", ["first", "last"])
def test_mesas_and_tensorflows_compilers_do_not_meet(opengl):
    """Both bring an LLVM. Without precautions the process ends by a segmentation fault, whichever comes first."""
    try:
        open_opengl()
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    command = [sys.executable, "-c", WITH_TENSORFLOW, opengl]
    child = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert child.returncode == 0, child.stderr[-2000:]
    numbers = child.stdout.split()
    assert numbers[:2] == numbers[2:]
    assert "8.0" in numbers


DIGEST = """
import hashlib, sys
from tests.test_udacity_opening import AHEAD, ROAD, bake, open_opengl, OpenGlScene, tiny_scene
scene = tiny_scene()
print(hashlib.sha256(OpenGlScene(open_opengl(), bake(scene, ROAD), scene).draw(AHEAD, 1).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_sees_the_same_picture():
    try:
        canvases = open_opengl()
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    scene = tiny_scene()
    frame = OpenGlScene(canvases, bake(scene, ROAD), scene).draw(AHEAD, 1)
    child = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True, timeout=60)
    assert child.stdout.strip() == hashlib.sha256(frame.tobytes()).hexdigest()
