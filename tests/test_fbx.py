"""FBX 6 in both forms: one tree of the same values; damage is refused at once."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from simulator.unity.files.errors import DAMAGE, FormatError
from simulator.unity.files.fbx_models import read_models
from simulator.unity.files.fbx_nodes import MAGIC
from simulator.unity.files.fbx_text import read_fbx
from tests.tiny_fbx import binary_fbx_file, node, square, text_fbx_file


def tree(part):
    """A node as plain lists."""
    return [part.name, [*np.asarray(part.values).tolist()], [tree(child) for child in part.children]]


def test_both_forms_hold_the_same_tree():
    root = square("road", "Text", materials=2)
    assert tree(read_fbx(binary_fbx_file(root))) == tree(read_fbx(text_fbx_file(root))) == tree(root)


def test_pivots_and_rotations_make_unitys_local_matrix():
    root = square("road", "Model", materials=1)
    properties = [
        node("Property", "Lcl Translation", "", "", 100.0, 200.0, 300.0),
        node("Property", "Lcl Rotation", "", "", 0.0, 90.0, 0.0),
        node("Property", "Lcl Scaling", "", "", 2.0, 1.0, 1.0),
        node("Property", "RotationPivot", "", "", 50.0, 0.0, 0.0),
    ]
    root.child("Objects").children[0].children.append(node("Properties60", children=properties))
    (model,) = read_models(root)
    # FBX: (1, 0, 0) cm is doubled to 2, seen from the pivot at 50 it lies at -48, turned about y it lies at z 48
    place = model.local @ [-0.01, 0, 0, 1]
    assert place == pytest.approx([-(1.0 + 0.5), 2.0, 3.0 + 0.48, 1])


def test_the_rotations_before_and_after_count_unless_the_file_switches_them_off():
    root = square("road", "Model", materials=1)
    before = node("Property", "PreRotation", "", "", 0.0, 90.0, 0.0)
    after = node("Property", "PostRotation", "", "", 0.0, 0.0, 90.0)
    properties = node("Properties60", children=[before, after])
    root.child("Objects").children[0].children.append(properties)
    (model,) = read_models(root)
    # after: (0, 1, 0) turns back about z to (1, 0, 0); before: about y to (0, 0, -1)
    assert model.local @ [0, 0.01, 0, 0] == pytest.approx([0, 0, -0.01, 0])
    properties.children.append(node("Property", "RotationActive", "", "", 0))
    assert read_models(root)[0].local == pytest.approx(np.eye(4))


def test_a_node_that_ends_behind_its_parent_is_refused():
    content = bytearray(binary_fbx_file(node("", children=[node("Outer", children=[node("Inner")]), node("Next")])))
    inner = content.index(b"Inner") - 13
    content[inner : inner + 4] = len(content).to_bytes(4, "little")
    with pytest.raises(ValueError, match="outside of its parent"):
        read_fbx(bytes(content))


def test_polygons_become_fans_and_shared_corners_are_one():
    (model,) = read_models(square("road", "Model", materials=1))
    assert model.mesh.places.shape == (6, 3)
    assert [len(submesh) for submesh in model.mesh.submeshes] == [4]
    assert model.materials[0].texture == "asphalt"


@pytest.mark.parametrize("form", [binary_fbx_file, text_fbx_file])
def test_every_cut_of_a_file_is_refused_or_read(form):
    content = form(square("road", "Model" if form is binary_fbx_file else "Text", materials=2))
    read_models(read_fbx(content))
    refusals = 0
    for size in range(0, len(content) - 14, 17):
        try:
            read_models(read_fbx(content[:size]))
        except DAMAGE:
            refusals += 1
    assert refusals > 0.9 * len(content) / 17


def test_every_changed_byte_is_refused_or_read():
    content = binary_fbx_file(square("road", "Model", materials=2))
    rng = np.random.default_rng(0)
    refusals = 0
    for at in rng.integers(len(MAGIC), len(content), 600):
        changed = bytearray(content)
        changed[at] ^= int(rng.integers(1, 256))
        try:
            read_models(read_fbx(bytes(changed)))
        except DAMAGE:
            refusals += 1
    assert refusals > 50


def test_other_versions_and_other_files_are_named():
    with pytest.raises(FormatError, match=r"FBX 7\.4"):
        read_fbx(binary_fbx_file(square("road", "Model", 1), version=7400))
    with pytest.raises(FormatError, match="no FBX 6 file"):
        read_fbx(b"solid stl\n")


def test_deep_nests_are_refused():
    nest = square("road", "Text", 1)
    inner = nest
    for _ in range(100):
        inner.children.append(node("Deeper", children=[]))
        inner = inner.children[-1]
    with pytest.raises(FormatError, match="deeper"):
        read_fbx(binary_fbx_file(nest))
    with pytest.raises(FormatError, match="deeper"):
        read_fbx(b"; FBX 6.1.0\n" + b"Deeper: {\n" * 100)


def test_counts_that_a_file_does_not_hold_reserve_nothing():
    header = MAGIC + struct.pack("<I", 6100)
    end = len(header) + 13 + 4
    claim = struct.pack("<IIIB", end, 2**32 - 1, 0, 4) + b"Huge"
    with pytest.raises(ValueError, match="another size"):
        read_fbx(header + claim)


def test_corners_without_vertices_are_refused():
    root = square("road", "Model", 1)
    root.child("Objects").children[0].child("PolygonVertexIndex").values = [0, 1, ~99]
    with pytest.raises(ValueError, match="names number 99"):
        read_models(root)
