"""Both renderers of Udacity's scenes: light, fog, holes, sky, and that equal drives see equal frames."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from simulator.render.eye import Eye
from simulator.render.udacity.baking.bake import bake
from simulator.render.udacity.baking.gloss import SCATTERED, standard
from simulator.render.udacity.baking.light import CARD_LIGHT, CARD_SLOPE
from simulator.render.udacity.opengl import NoOpenGl, OpenGlScene, open_opengl
from simulator.render.udacity.shaders import SHADOWS_M
from simulator.render.udacity.sky import sky_color
from simulator.render.udacity.software import SoftwareScene, open_software
from simulator.unity.unity_scene import Light
from tests.tiny_unity_scene import (
    FOG,
    PLANT_M,
    PLANT_RGB,
    ROAD_RGB,
    WALL_M,
    WALL_RGB,
    quad,
    tiny_scene,
    without_lights,
)

ROAD = np.array([(0.0, y) for y in range(-40, 40)])
AHEAD = Eye((0.0, 0.0, 1.2), (0.0, 0.0, 0.0))
DOWNWARDS = Eye((0.0, 0.0, 1.2), (0.0, -80.0, 0.0))
LEVEL = 2.5
"""Levels of 255 by which a colour may differ: vertices hold light in 128 steps."""


@pytest.fixture(scope="module", params=["opengl", "software"])
def draw(request):
    """draw(scene) -> what draws it, by each renderer that this machine has."""
    if request.param == "software":
        canvases = open_software()
        return lambda scene: SoftwareScene(canvases, bake(scene, ROAD), scene)
    try:
        canvases = open_opengl()
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    return lambda scene: OpenGlScene(canvases, bake(scene, ROAD), scene)


def middle(frame: np.ndarray) -> np.ndarray:
    return frame[76:84, 156:164].astype(float).mean((0, 1))


def foggy(color: np.ndarray, distance_m: float) -> np.ndarray:
    clear = (FOG.end_m - distance_m) / (FOG.end_m - FOG.start_m)
    return clear * color + (1 - clear) * 255 * np.array(FOG.color)


def test_a_level_road_takes_the_light_from_above(draw):
    frame = draw(tiny_scene(with_plant=False)).draw(DOWNWARDS, 1)
    assert middle(frame) == pytest.approx(np.array(ROAD_RGB) * (0.5, 0.6, 0.7), abs=LEVEL)


def test_a_wall_takes_the_light_from_the_front_and_the_fog_of_its_distance(draw):
    frame = draw(tiny_scene(with_plant=False)).draw(Eye((0.0, 0.0, 30.0), (0.0, 0.0, 0.0)), 1)
    assert middle(frame) == pytest.approx(foggy(np.array(WALL_RGB) * 0.25, WALL_M), abs=LEVEL + 1)
    nearer = draw(tiny_scene(with_plant=False)).draw(Eye((0.0, WALL_M - 50, 30.0), (0.0, 0.0, 0.0)), 1)
    assert middle(nearer) == pytest.approx(np.array(WALL_RGB) * 0.25, abs=LEVEL), "no fog nearer than its start"


def test_without_lights_the_ambient_light_is_left_and_without_fog_the_distance_shows_nothing(draw):
    frame = draw(without_lights(tiny_scene(fog=None, with_plant=False))).draw(Eye((0.0, 0.0, 30.0), (0.0, 0.0, 0.0)), 1)
    assert middle(frame) == pytest.approx(np.array(WALL_RGB) * 0.5, abs=LEVEL)


def test_a_plant_has_holes_and_the_light_of_its_side(draw):
    frame = draw(tiny_scene()).draw(AHEAD, 1).astype(float)
    behind = draw(tiny_scene(with_plant=False)).draw(AHEAD, 1).astype(float)
    hole, leaf = (slice(70, 78), slice(149, 157)), (slice(70, 78), slice(163, 171))
    assert np.array_equal(frame[hole], behind[hole])
    lit = CARD_LIGHT * np.array((0.5, 0.6, 0.7)) + (CARD_LIGHT + CARD_SLOPE) * 0.25
    expected = (np.array(PLANT_RGB) * lit).clip(0, 255)
    assert frame[leaf].mean((0, 1)) == pytest.approx(expected, abs=2 * LEVEL)


def test_a_plant_turns_to_the_camera(draw):
    """Seen from the side, it is as wide as from the front."""
    scene = draw(tiny_scene(fog=None))
    for place, heading_deg in (((0.0, 0.0, 1.2), 0.0), ((-PLANT_M, PLANT_M, 1.2), -90.0)):
        frame = scene.draw(Eye(place, (heading_deg, 0.0, 0.0)), 1).astype(int)
        red = (frame[74] - frame[74][:, [1]])[:, 0] > 60
        assert red.sum() == pytest.approx(138.6 * 2 / PLANT_M, abs=1.5)


def test_the_sky_is_where_nothing_is(draw):
    scene = tiny_scene()
    frame = draw(scene).draw(Eye((0.0, 0.0, 1.2), (90.0, 30.0, 0.0)), 1)
    west = np.array([(-np.cos(np.radians(30)), 0, np.sin(np.radians(30)))])
    assert middle(frame) == pytest.approx(255 * sky_color(west, (0.0, 0.0, 1.0))[0], abs=2 * LEVEL)


def test_equal_views_are_equal_to_the_last_bit_also_in_a_scene_drawn_anew(draw):
    first = draw(tiny_scene())
    frames = [scene.draw(AHEAD, scale) for scene in (first, draw(tiny_scene()), first) for scale in (1, 2)]
    assert frames[1].shape == (320, 640, 3)
    assert np.array_equal(frames[0], frames[2])
    assert np.array_equal(frames[0], frames[4])
    assert np.array_equal(frames[1], frames[3])
    halved = frames[1].reshape(160, 2, 320, 2, 3).mean((1, 3))
    assert np.abs(halved - frames[0]).mean() < 3


def test_a_material_with_holes_shows_what_is_behind(draw):
    whole = tiny_scene(fog=None, with_plant=False)
    hole = replace(
        whole.materials["wall"],
        picture=replace(whole.materials["wall"].picture, pixels=np.zeros((8, 8, 4), np.uint8)),
        cutout=0.5,
    )
    cut = replace(whole, materials={**whole.materials, "wall": hole})
    high = Eye((0.0, 0.0, 30.0), (0.0, 5.0, 0.0))
    without = replace(whole, parts=whole.parts[:1])
    assert np.array_equal(draw(cut).draw(high, 1), draw(without).draw(high, 1))
    assert not np.array_equal(draw(whole).draw(high, 1), draw(without).draw(high, 1))


def test_rough_land_takes_the_light_as_a_rough_material_does(draw):
    """Land and road have one colour here and look alike: with OpenGL the standard shader's, else about so."""
    whole = tiny_scene(fog=None, with_plant=False)
    (terrain,) = whole.terrains
    rough = replace(terrain, roughness=1.0)
    level = replace(rough, layers=(replace(rough.layers[0], picture=whole.materials["road"].picture),))
    road = replace(whole.materials["road"], roughness=1.0)
    scene = replace(whole, terrains=(level,), materials={**whole.materials, "road": road})
    seen = middle(draw(scene).draw(DOWNWARDS, 1))
    bare = replace(scene, parts=scene.parts[1:])
    assert middle(draw(bare).draw(DOWNWARDS, 1)) == pytest.approx(seen, abs=2 * LEVEL)
    plain = replace(bare, terrains=(replace(level, roughness=None),))
    assert np.abs(middle(draw(plain).draw(DOWNWARDS, 1)) - seen).max() > 2 * LEVEL


def test_with_shadows_the_second_light_shines_too():
    """Unity's better qualities compute two lights for each pixel, the others one."""
    try:
        canvases = open_opengl()
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    whole = tiny_scene(fog=None, with_plant=False)
    rough = replace(whole.materials["road"], roughness=0.5)
    scene = replace(whole, materials={**whole.materials, "road": rough})
    road = np.column_stack([ROAD, np.zeros(len(ROAD))])
    against = replace(scene, lights=(scene.lights[0], Light((0.0, -0.8, -0.6), (0.1, 0.2, 0.3))))
    eye = Eye((0.0, 0.0, 1.2), (0.0, -37.0, 0.0))
    with_gloss, without = (
        middle(OpenGlScene(canvases, bake(against, ROAD), against, on).draw(eye, 1)) for on in (road, None)
    )
    scattered, gloss = standard(
        np.array([(0.0, 0.0, 1.0)]), np.array([(0.0, -0.8, 0.6)]), np.array((0.0, 0.8, 0.6)), 0.5
    )
    shift = np.array(ROAD_RGB) * (scattered - 0.6 * SCATTERED) + 255 * gloss
    assert with_gloss - without == pytest.approx(shift * (0.1, 0.2, 0.3), abs=2 * LEVEL)
    assert with_gloss[2] - without[2] > 10


@pytest.mark.parametrize("turn_deg", [0.0, 90.0, 180.0])
def test_a_rough_road_answers_the_sun_as_the_standard_shader_does(turn_deg):
    """The sun stands in the north at 45 degrees; against it the road shines, and with it in the back it is bright."""
    sun = Light((0.0, -float(np.sqrt(0.5)), -float(np.sqrt(0.5))), (0.9, 0.8, 0.7))
    whole = tiny_scene(fog=None, with_plant=False)
    road = replace(whole.materials["road"], roughness=0.7)
    scene = replace(whole, materials={**whole.materials, "road": road}, lights=(sun,), ambient=(0.1, 0.1, 0.1))
    try:
        drawn = OpenGlScene(open_opengl(), bake(scene, ROAD), scene)
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    steep = np.radians(-20.0)
    ahead = np.array((-np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg)))) * np.cos(steep)
    to_eye = -np.array([(*ahead, np.sin(steep))])
    scattered, gloss = standard(np.array([(0.0, 0.0, 1.0)]), to_eye, -np.array(sun.direction), 0.7)
    light = 0.1 * SCATTERED + scattered * sun.color
    expected = np.array(ROAD_RGB) * light + 255 * gloss * sun.color
    seen = middle(drawn.draw(Eye((0.0, 0.0, 1.2), (turn_deg, -20.0, 0.0)), 1))
    assert seen == pytest.approx(expected, abs=2 * LEVEL)
    assert abs(seen - np.array(ROAD_RGB) * (0.1 + np.sqrt(0.5) * np.array(sun.color))).max() > 8, "no plain light"


def test_a_wall_casts_a_shadow_on_the_road_of_the_suns_strength():
    """The sun stands in the south at 45 degrees; a board 4 m high throws a shadow of 4 m northwards."""
    try:
        canvases = open_opengl()
    except NoOpenGl as error:
        pytest.skip(f"no OpenGL: {error}")
    board = quad("board", "wall", [(-5, 10, 0), (5, 10, 0), (5, 10, 4), (-5, 10, 4)], (0, -1, 0))
    sun = Light((0.0, float(np.sqrt(0.5)), -float(np.sqrt(0.5))), (1.0, 1.0, 1.0), shadow=0.5)
    scene = replace(tiny_scene(fog=None, with_plant=False), lights=(sun, Light((0.0, 0.0, -1.0), (0.1, 0.1, 0.1))))
    scene = replace(scene, parts=(*scene.parts, board))
    road = np.column_stack([ROAD, np.zeros(len(ROAD))])
    shaded, plain = (OpenGlScene(canvases, bake(scene, ROAD), scene, on) for on in (road, None))
    full, half = np.sqrt(0.5) + 0.1, np.sqrt(0.5) / 2 + 0.1
    for y, light in ((9.0, full), (11.5, half), (13.0, half), (15.0, full)):
        eye = Eye((0.0, y, 8.0), (0.0, -89.9, 0.0))
        assert middle(shaded.draw(eye, 1)) == pytest.approx(np.array(ROAD_RGB) * light, abs=LEVEL), f"at {y} m"
        assert middle(plain.draw(eye, 1)) == pytest.approx(np.array(ROAD_RGB) * full, abs=LEVEL)
    for height_m, light in ((60.0, half), (SHADOWS_M + 2, full)):
        seen = middle(shaded.draw(Eye((0.0, 12.0, height_m), (0.0, -89.9, 0.0)), 1))
        assert seen == pytest.approx(np.array(ROAD_RGB) * light, abs=LEVEL), f"from {height_m} m above"


def test_a_closed_scene_gives_its_pictures_back(draw):
    """Panda3D keeps them for ever otherwise, because its cache of render states knows them."""
    drawn = draw(tiny_scene())
    drawn.draw(AHEAD, 1)
    textures = drawn.textures
    assert textures
    assert all(texture.has_ram_image() for texture in textures)
    del drawn
    gc.collect()
    assert not any(texture.has_ram_image() for texture in textures)
