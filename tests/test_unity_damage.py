"""Udacity's simulator project with files that are missing, damaged, of other versions or too large."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from simulator.unity import opening
from simulator.unity.files.errors import UnityFileError
from simulator.unity.opening import SCENES, open_unity_scene
from simulator.unity.reading import scene_objects, scene_reader
from tests import tiny_unity_project as tiny


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path):
    return tiny.write_tiny_project(tmp_path / "project")


def test_a_pointer_of_lfs_gets_a_mean_colour_with_grain_and_the_line_that_fetches_it(project, capsys):
    (project / tiny.ASPHALT_PICTURE).write_bytes(tiny.POINTER)
    (project / tiny.TREE_ATLAS).write_bytes(tiny.POINTER)
    scene = open_unity_scene("udacity-lake", project)
    asphalt = scene.materials["asphalt"].picture
    assert "is a pointer of Git LFS" in asphalt.substitute
    assert asphalt.pixels[64:-64].mean((0, 1)) == pytest.approx([82, 87, 87], abs=3)
    for line in (asphalt.pixels[9:12], asphalt.pixels[-12:-9]):
        assert line.mean((0, 1)) == pytest.approx([150, 128, 31], abs=12), "yellow along both edges"
    assert asphalt.pixels.std() > 5
    assert scene.terrains[0].plants[0].picture.pixels.shape[2] == 4
    (remark,) = scene.remarks
    assert "asphalt.png" in remark
    assert f"git -C {project} lfs pull" in remark
    open_unity_scene("udacity-lake", project)
    assert capsys.readouterr().err.count(remark) == 1, "told again at the second opening"


VAST_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken", VAST_PNG + struct.pack(">I", zlib.crc32(VAST_PNG[12:]))]
)
def test_a_damaged_picture_is_named_and_substituted(project, content):
    (project / tiny.ASPHALT_PICTURE).write_bytes(content)
    scene = open_unity_scene("udacity-lake", project)
    assert scene.materials["asphalt"].picture.substitute
    (remark,) = scene.remarks
    assert "asphalt.png (it " in remark
    assert f"git -C {project} checkout -- Assets" in remark


def test_a_missing_picture_is_named_and_substituted(project):
    (project / tiny.ASPHALT_PICTURE).unlink()
    (project / f"{tiny.GRASS}.meta").unlink()
    scene = open_unity_scene("udacity-lake", project)
    assert [layer.picture.substitute for layer in scene.terrains[0].layers] == ["missing"] * 2
    (remark,) = scene.remarks
    for name in ("asphalt.png", tiny.guid_of(tiny.GRASS), f"git -C {project} checkout -- Assets"):
        assert name in remark


def test_a_checkout_that_lacks_every_picture_is_remarked_in_a_line_for_each_kind_of_lack(project):
    pointers, missing, damaged = (
        (tiny.GRASS, tiny.TUFT),
        (tiny.ASPHALT_PICTURE, tiny.BUMPS),
        (tiny.PAINT_PICTURE, tiny.TREE_ATLAS),
    )
    for path in (*pointers, *damaged):
        (project / path).write_bytes(tiny.POINTER if path in pointers else b"no picture")
    for path in missing:
        (project / path).unlink()
    remarks = open_unity_scene("udacity-lake", project).remarks
    assert len(remarks) == 3
    for remark, paths in zip(remarks, (pointers, missing, damaged), strict=True):
        assert all(path.rpartition("/")[2] in remark for path in paths)


def test_another_editor_version_is_remarked(project):
    (project / "ProjectSettings/ProjectVersion.txt").write_text("m_EditorVersion: 2019.4.1f1\n")
    assert "2019.4.1f1" in open_unity_scene("udacity-lake", project).remarks[0]


@pytest.mark.parametrize("path", [tiny.SCENE, tiny.ROAD, tiny.POST, tiny.LAND, tiny.ROCK, tiny.ASPHALT])
@pytest.mark.parametrize("damage", ["missing", "pointer", "empty", "noise", "half"])
def test_a_file_that_cannot_be_read_is_named_in_one_line(project, path, damage):
    content = (project / path).read_bytes()
    noise = np.random.default_rng(0).bytes(len(content))
    contents = {"pointer": tiny.POINTER, "empty": b"", "noise": noise, "half": content[: len(content) // 2]}
    if damage == "missing":
        (project / path).unlink()
    else:
        (project / path).write_bytes(contents[damage])
    with pytest.raises(UnityFileError) as error:
        open_unity_scene("udacity-lake", project)
    assert path.rpartition("/")[2] in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_transforms_in_a_circle_are_refused(project):
    file = project / tiny.SCENE
    text = file.read_text()
    file.write_text(text.replace("m_Father: {fileID: 0}", "m_Father: {fileID: 11}", 1))
    with pytest.raises(UnityFileError, match="above one another"):
        open_unity_scene("udacity-lake", project)


def test_scenes_of_later_versions_are_refused(project):
    file = project / tiny.SCENE
    file.write_text(file.read_text().replace("\nPrefab:\n", "\nPrefabInstance:\n"))
    with pytest.raises(UnityFileError, match=r"2018\.3"):
        open_unity_scene("udacity-lake", project)


def test_metas_of_later_versions_are_refused(project):
    file = project / f"{tiny.ROAD}.meta"
    file.write_text(file.read_text().replace("fileIDToRecycleName", "internalIDToNameTable"))
    with pytest.raises(UnityFileError, match=r"road\.FBX\.meta"):
        open_unity_scene("udacity-lake", project)


def test_places_that_are_no_numbers_are_refused(project):
    file = project / tiny.SCENE
    file.write_text(file.read_text().replace("{x: 100, y: 5, z: 200}", "{x: .nan, y: 5, z: 200}"))
    with pytest.raises(UnityFileError, match="no number"):
        open_unity_scene("udacity-lake", project)


def test_without_a_checkout_the_line_that_makes_one_is_given(tmp_path, monkeypatch):
    monkeypatch.delenv("UDACITY_SIMULATOR", raising=False)
    with pytest.raises(ValueError, match="git clone https://github"):
        open_unity_scene("udacity-lake")
    with pytest.raises(ValueError, match="no folder Assets"):
        open_unity_scene("udacity-lake", tmp_path)
    monkeypatch.setenv("UDACITY_SIMULATOR", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="nowhere is no checkout"):
        open_unity_scene("udacity-lake")
    with pytest.raises(ValueError, match="udacity-lake and udacity-jungle"):
        open_unity_scene("udacity-desert", tmp_path)


def test_a_checkout_without_the_scene_is_named(project):
    with pytest.raises(UnityFileError, match="JungleTrackAutonomous"):
        open_unity_scene("udacity-jungle", project)
    assert SCENES["udacity-jungle"].endswith("JungleTrackAutonomous.unity")


def test_more_triangles_than_any_scene_needs_are_refused(project, monkeypatch):
    monkeypatch.setattr(scene_reader, "MOST_TRIANGLES", 8)
    with pytest.raises(UnityFileError, match="more than 8 triangles"):
        open_unity_scene("udacity-lake", project)


def test_more_objects_than_any_scene_needs_are_refused(project, monkeypatch):
    monkeypatch.setattr(scene_objects, "MOST_OBJECTS", 12)
    with pytest.raises(UnityFileError, match="more than 12 objects"):
        open_unity_scene("udacity-lake", project)


def test_without_the_package_the_line_that_installs_it_is_given(project, monkeypatch):
    monkeypatch.setattr(opening, "PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(ValueError, match=r"pip install -r requirements-udacity\.txt"):
        open_unity_scene("udacity-lake", project)
