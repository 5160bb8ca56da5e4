"""The reader of Udacity's simulator project, on a tiny project of the same file kinds."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.unity.files.errors import UnityFileError
from simulator.unity.opening import open_unity_scene
from tests import tiny_unity_project as tiny


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path):
    return tiny.write_tiny_project(tmp_path / "project")


@pytest.fixture
def scene(project):
    return open_unity_scene("udacity-lake", project)


def test_meshes_lie_in_world_coordinates_with_their_fronts_up(scene):
    asphalt, paint = (part for part in scene.parts if part.name == "road")
    assert (asphalt.material, paint.material) == ("asphalt", "paint")
    # x is mirrored by Unity's import, 1 unit is 1 cm, and y and z are swapped
    assert asphalt.places.min(0) == pytest.approx([99, 200, 5])
    assert asphalt.places.max(0) == pytest.approx([100, 201, 5])
    assert paint.places.min(0) == pytest.approx([98, 200, 5])
    assert not asphalt.casts_shadow
    for part in scene.parts:
        first, second, third = (part.places[part.corners[:, k]] for k in range(3))
        assert np.cross(second - first, third - first)[:, 2].min() > 0, f"{part.name} shows its back upwards"
        assert part.normals[:, 2].min() == pytest.approx(1)
    assert {tuple(pair) for pair in np.c_[asphalt.places[:, 0], asphalt.uv[:, 0]]} == {(100.0, 0.0), (99.0, 1.0)}


def test_prefab_instances_stand_where_their_overrides_say(scene):
    (rock,) = (part for part in scene.parts if part.name == "rock")
    assert rock.places.max(0) == pytest.approx([7, 2, 1])  # scaled by 2
    assert rock.places.min(0) == pytest.approx([3, 0, 1])
    assert rock.material == "paint"
    (post,) = (part for part in scene.parts if part.name == "post")
    assert post.places[:, 0].max() == pytest.approx(-3)
    assert post.places[:, 0].min() == pytest.approx(-5)
    assert post.material == "asphalt", "Unity looks for a material of the texture's name"


CHILD_TEXT = """--- !u!4 &521 stripped
Transform:
  m_PrefabParentObject: {{fileID: 400000, guid: {rock}, type: 2}}
  m_PrefabInternal: {{fileID: 51}}
--- !u!1 &60
GameObject:
  m_Component:
  - component: {{fileID: 61}}
  - component: {{fileID: 62}}
  - component: {{fileID: 63}}
  m_Name: child
  m_IsActive: 1
--- !u!4 &61
Transform:
  m_GameObject: {{fileID: 60}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 10, z: 0}}
  m_LocalScale: {{x: -1, y: 1, z: 1}}
  m_Father: {{fileID: 521}}
--- !u!33 &62
MeshFilter:
  m_GameObject: {{fileID: 60}}
  m_Mesh: {{fileID: 4300000, guid: {post}, type: 3}}
--- !u!23 &63
MeshRenderer:
  m_GameObject: {{fileID: 60}}
  m_Materials: []
"""


def test_an_object_hangs_on_a_part_of_an_instance_and_may_be_mirrored(project):
    text = CHILD_TEXT.format(rock=tiny.guid_of(tiny.ROCK), post=tiny.guid_of(tiny.POST))
    with open(project / tiny.SCENE, "a") as file:
        file.write(text)
    (child,) = (part for part in open_unity_scene("udacity-lake", project).parts if part.name == "child")
    assert child.places.min(0) == pytest.approx([7, 0, 21])  # the rock's place and scale, and to the other side
    assert child.places.max(0) == pytest.approx([11, 2, 21])
    assert child.material == "plain"
    first, second, third = (child.places[child.corners[:, k]] for k in range(3))
    assert np.cross(second - first, third - first)[:, 2].min() > 0


@pytest.mark.parametrize("switch", ["m_IsActive", "m_Enabled"])
def test_what_is_switched_off_is_not_there(project, switch):
    file = project / tiny.SCENE
    file.write_text(file.read_text().replace(f"{switch}: 1", f"{switch}: 0", 1))
    assert "road" not in {part.name for part in open_unity_scene("udacity-lake", project).parts}


def test_the_car_is_no_scenery_and_water_is_a_height(scene):
    assert sorted({part.name for part in scene.parts}) == ["post", "road", "rock"]
    assert scene.water_m == -0.5


def test_materials_and_pictures(scene):
    asphalt, paint = scene.materials["asphalt"], scene.materials["paint"]
    assert asphalt.color == (0.5, 0.6, 0.7)
    assert (asphalt.tiling, asphalt.offset, asphalt.cutout) == ((3, 4), (0, 0.5), None)
    assert asphalt.picture.pixels.shape == (64, 64, 3)
    assert asphalt.picture.pixels[0, 0].tolist() == [100, 150, 200]
    assert paint.cutout == 0.4
    assert paint.picture.pixels.shape == (32, 32, 4)
    assert scene.remarks == ()


def test_a_normal_map_makes_its_surface_lean_and_a_plain_picture_does_not(scene):
    """Red 100 and green 150 of 255, at twice their strength."""
    along_u, along_v = 2 * (100 / 127.5 - 1), 2 * (150 / 127.5 - 1)
    out = np.sqrt(1 - along_u**2 - along_v**2)
    assert scene.materials["asphalt"].lean == pytest.approx((along_u / out, along_v / out), abs=1e-5)
    assert scene.materials["paint"].lean == (0, 0)


def test_a_missing_normal_map_is_named_and_substituted_where_its_lean_is_known(project):
    (project / tiny.BUMPS).unlink()
    scene = open_unity_scene("udacity-lake", project)
    assert scene.materials["asphalt"].lean == pytest.approx((-0.56, -0.20))
    (remark,) = scene.remarks
    assert "concrete-floor-n.png" in remark


@pytest.mark.parametrize("keyword", ["", "_EMISSION"])
def test_a_normal_map_takes_part_only_by_the_keyword(project, keyword):
    material = project / tiny.ASPHALT
    material.write_text(material.read_text().replace("_EMISSION _NORMALMAP", keyword))
    assert open_unity_scene("udacity-lake", project).materials["asphalt"].lean == (0, 0)


@pytest.mark.parametrize(("kind", "roughness"), [(0, 1.0), (1, None)])
def test_land_is_rough_where_the_standard_shader_draws_it(project, kind, roughness):
    file = project / tiny.SCENE
    text = file.read_text()
    assert "  m_TerrainData:" in text
    file.write_text(text.replace("  m_TerrainData:", f"  m_MaterialType: {kind}\n  m_TerrainData:"))
    assert open_unity_scene("udacity-lake", project).terrains[0].roughness == roughness


def test_the_roughness_is_the_standard_shaders(project):
    """Its number is 46; other shaders scatter light alike to all sides."""
    material = project / tiny.ASPHALT
    text = material.read_text()
    for shader, smoothness, roughness in ((46, "0.3", 0.7), (7, "0.3", None), (46, ".nan", ValueError)):
        floats = f"    m_Floats:\n    - first:\n        name: _Glossiness\n      second: {smoothness}\n"
        named = text.replace("  m_Name: any\n", f"  m_Name: any\n  m_Shader: {{fileID: {shader}}}\n")
        material.write_text(named.replace("    m_Floats:\n", floats))
        if roughness is ValueError:
            with pytest.raises(ValueError, match=r"asphalt.mat.*smoothness of nan"):
                open_unity_scene("udacity-lake", project)
        else:
            assert open_unity_scene("udacity-lake", project).materials["asphalt"].roughness == roughness


@pytest.mark.parametrize("strength", [".nan", ".inf", "-1000"])
def test_a_strength_that_no_normal_map_has_is_refused(project, strength):
    material = project / tiny.ASPHALT
    material.write_text(material.read_text().replace("second: 2\n", f"second: {strength}\n"))
    with pytest.raises(UnityFileError, match=r"asphalt.mat.*strength"):
        open_unity_scene("udacity-lake", project)


def test_light_fog_and_air(scene):
    sun, glow = scene.lights
    assert sun.direction == pytest.approx((0, 0, -1), abs=1e-6)
    assert (glow.direction, glow.shadow) == ((0, 1, 0), 0)
    assert (sun.color, sun.shadow) == ((2, 1, 0.5), 0.5)
    assert (scene.fog.color, scene.fog.start_m, scene.fog.end_m) == ((0.4, 0.6, 0.8), 100, 600)
    assert scene.ambient == (0.1, 0.2, 0.3)


def test_land_rises_to_the_east_from_its_corner(scene):
    (land,) = scene.terrains
    assert (land.origin, land.cell_m) == ((-10, -20), (2, 2))
    assert land.heights == pytest.approx(np.tile([-2, -1, 0, 1, 2], (5, 1)), abs=1e-3)
    assert land.weights[0, :, 1].tolist() == [255] * 4
    assert land.weights[1:, :, 0].tolist() == [[255] * 4] * 3
    assert [layer.tile_m for layer in land.layers] == [(10, 20)] * 2
    assert [layer.tangent_lit for layer in land.layers] == [True, False]


def test_plants_stand_on_the_land(scene):
    tree, tufts = scene.terrains[0].plants
    assert tree.places.tolist() == [pytest.approx([-8, -16, -1], abs=1e-3)]
    assert (tree.width_m.tolist(), tree.height_m.tolist()) == ([pytest.approx(11.9)], [58])
    assert tree.tint.tolist() == [[1, 0, 0]]
    assert tree.picture.pixels.shape[0] < 64, "the card is no part of the atlas"
    assert len(tufts.places) == 3
    x, y, z = tufts.places.T
    assert ((x >= -4) & (x < -2)).all()
    assert ((y >= -20) & (y < -18)).all()
    assert z == pytest.approx((x + 10) / 2 - 2, abs=1e-3)
    assert ((tufts.width_m >= 1) & (tufts.width_m <= 2)).all()
    assert ((tufts.tint >= 0.2) & (tufts.tint <= 0.8)).all()
