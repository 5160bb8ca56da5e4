"""Converted scenes: read again from the cache, and converted again when a file of the checkout changes."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from simulator.unity import cache
from simulator.unity.opening import open_unity_scene
from tests import tiny_unity_project as tiny


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def project(tmp_path):
    return tiny.write_tiny_project(tmp_path / "project")


@pytest.fixture
def conversions(monkeypatch):
    """A list that grows by each conversion."""
    paths, read_scene = [], cache.read_scene

    def counted(project, path, report):
        paths.append(path)
        return read_scene(project, path, report)

    monkeypatch.setattr(cache, "read_scene", counted)
    return paths


def same(one, other):
    """Whether two scenes, or parts of them, are equal to the bit."""
    if is_dataclass(one):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_the_second_opening_reads_the_same_scene_from_the_cache(project, conversions):
    first = open_unity_scene("udacity-lake", project)
    second = open_unity_scene("udacity-lake", project)
    assert same(first, second)
    with pytest.raises(ValueError, match="read-only"):
        second.terrains[0].heights[0, 0] = 1
    assert len(conversions) == 1


def test_new_times_alone_convert_nothing(project, conversions):
    open_unity_scene("udacity-lake", project)
    os.utime(project / tiny.ROAD, (1, 1))
    open_unity_scene("udacity-lake", project)
    open_unity_scene("udacity-lake", project)
    assert len(conversions) == 1


def test_a_copy_elsewhere_is_converted_once(project, conversions, tmp_path):
    open_unity_scene("udacity-lake", project)
    shutil.copytree(project, tmp_path / "copy")
    open_unity_scene("udacity-lake", tmp_path / "copy")
    open_unity_scene("udacity-lake", tmp_path / "copy")
    assert len(conversions) == 2


def test_a_pointer_that_becomes_a_picture_is_noticed(project):
    picture = (project / tiny.ASPHALT_PICTURE).read_bytes()
    (project / tiny.ASPHALT_PICTURE).write_bytes(tiny.POINTER)
    assert open_unity_scene("udacity-lake", project).materials["asphalt"].picture.substitute
    (project / tiny.ASPHALT_PICTURE).write_bytes(picture)
    assert not open_unity_scene("udacity-lake", project).materials["asphalt"].picture.substitute


def test_a_missing_file_that_comes_is_noticed(project):
    meta = project / f"{tiny.GRASS}.meta"
    content = meta.read_bytes()
    meta.unlink()
    assert open_unity_scene("udacity-lake", project).terrains[0].layers[0].picture.substitute
    meta.write_bytes(content)
    assert not open_unity_scene("udacity-lake", project).terrains[0].layers[0].picture.substitute


def test_a_changed_scene_leaves_one_file_in_the_cache(project, folder):
    open_unity_scene("udacity-lake", project)
    file = project / tiny.SCENE
    file.write_text(file.read_text().replace("m_Intensity: 2", "m_Intensity: 4"))
    assert open_unity_scene("udacity-lake", project).lights[0].color == (4, 2, 1)
    assert len(list(folder.glob("*.npz"))) == 1
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file"])
@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_a_damaged_cache_is_made_anew(project, folder, suffix, damage):
    first = open_unity_scene("udacity-lake", project)
    (file,) = folder.glob(f"*.{suffix}")
    file.write_bytes(damage)
    assert same(open_unity_scene("udacity-lake", project), first)
    assert same(open_unity_scene("udacity-lake", project), first)


def test_an_interrupted_conversion_leaves_no_file(project, folder, monkeypatch):
    def interrupted(*arguments, **arrays):
        arguments[0].write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_unity_scene("udacity-lake", project)
    assert list(folder.iterdir()) == []
