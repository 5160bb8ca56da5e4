"""The models of an FBX 6 file as Unity imports them: node transforms, meshes, and the names of their materials."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

import numpy as np

from protocol.arrays import Float64Array
from simulator.unity.files.errors import FormatError
from simulator.unity.files.fbx_mesh import FbxMesh, material_order, read_mesh
from simulator.unity.files.fbx_nodes import FbxNode
from simulator.unity.files.transforms import MIRROR_X, euler_rotation, placement

Rgb = tuple[float, float, float]

CM_IN_M = 0.01
UNTITLED = FbxNode("Properties60")


@dataclass(frozen=True, slots=True)
class FbxMaterial:
    """A surface that an FBX file names. texture: the stem of its picture's file name, if it has one."""

    name: str
    texture: str | None
    color: Rgb


@dataclass(frozen=True, eq=False, slots=True)
class FbxModel:
    """A node of a file's scene. local: (4, 4) to its parent in Unity's axes and metres; parent: its index, or None."""

    name: str
    parent: int | None
    local: Float64Array
    mesh: FbxMesh | None
    materials: tuple[FbxMaterial, ...]
    """One for each submesh of the mesh."""


def read_models(root: FbxNode) -> list[FbxModel]:
    """All models that hang below the file's scene; parents come first. Raises FormatError, KeyError, ValueError."""
    objects = root.child("Objects")
    unit_m = _unit_m(root, objects)
    nodes = {_key(node): node for node in objects.children if node.values}
    below = defaultdict(list)
    for link in root.child("Connections").children:
        below[str(link.values[2])].append(str(link.values[1]))
    models: list[FbxModel] = []
    waiting: list[tuple[str, int | None]] = [(key, None) for end in _scene_names(below) for key in below[end]]
    seen = set()
    while waiting:
        key, parent = waiting.pop(0)
        node = nodes.get(key)
        if node is None or node.name != "Model" or key in seen:
            continue
        seen.add(key)
        linked = [nodes[name] for name in below[key] if name in nodes]
        models.append(_model(node, parent, linked, unit_m))
        waiting += [(name, len(models) - 1) for name in below[key]]
    return models


def _scene_names(below: Iterable[str]) -> list[str]:
    return [name for name in below if _title(name) == "Scene"]


def _key(node: FbxNode) -> str:
    return str(node.values[0])


def _title(key: str) -> str:
    """The name of an object without its class: `straight` of `Model::straight` and of `straight\\0\\1Model`."""
    return re.sub(r"^\w+::", "", key.partition("\0")[0])


def _properties(node: FbxNode) -> dict[str, list[Any]]:
    table = node.child("Properties60") if node.has("Properties60") else UNTITLED
    return {str(entry.values[0]): list(entry.values[3:]) for entry in table.children}


def _unit_m(root: FbxNode, objects: FbxNode) -> float:
    settings = [node for node in (*root.children, *objects.children) if node.name == "GlobalSettings"]
    values = _properties(settings[0]).get("UnitScaleFactor", [1.0]) if settings else [1.0]
    return float(values[0]) * CM_IN_M


def _model(node: FbxNode, parent: int | None, linked: list[FbxNode], unit_m: float) -> FbxModel:
    properties = _properties(node)
    name = _title(_key(node))
    mesh, order = None, [0]
    if node.has("Vertices"):
        geometric = placement(
            _triple(properties, "GeometricTranslation"),
            euler_rotation(_triple(properties, "GeometricRotation")),
            _triple(properties, "GeometricScaling", 1.0),
        )
        order = material_order(node)
        mesh = read_mesh(node, name, geometric, unit_m)
    materials = [item for item in linked if item.name == "Material"]
    textures = [item for item in linked if item.name == "Texture"]
    surfaces = tuple(_material(node, materials, textures, index) for index in order) if mesh else ()
    return FbxModel(name, parent, _local(properties, unit_m), mesh, surfaces)


def _triple(properties: dict[str, list[Any]], name: str, default: float = 0.0) -> Float64Array:
    return np.array(properties.get(name, [default] * 3), np.float64).reshape(3)


def _local(properties: dict[str, list[Any]], unit_m: float) -> Float64Array:
    """FBX's chain of pivots (FBX SDK help, "Computing transformation matrices"), in Unity's axes and metres."""
    if int(properties.get("RotationOrder", [0])[0]) != 0:
        raise FormatError("turns a model about its axes in another order than x, y, z")
    rotation = euler_rotation(_triple(properties, "Lcl Rotation"))
    if int(properties.get("RotationActive", [1])[0]):
        before, after = (euler_rotation(_triple(properties, name)) for name in ("PreRotation", "PostRotation"))
        rotation = before @ rotation @ after.T
    turned = placement([0, 0, 0], rotation, [1, 1, 1])
    scaled = placement([0, 0, 0], np.eye(3), _triple(properties, "Lcl Scaling", 1.0))
    pivot, scale_pivot = (_triple(properties, name) for name in ("RotationPivot", "ScalingPivot"))
    place = _triple(properties, "Lcl Translation") + _triple(properties, "RotationOffset") + pivot
    between = _triple(properties, "ScalingOffset") + scale_pivot - pivot
    matrix = MIRROR_X @ _shift(place) @ turned @ _shift(between) @ scaled @ _shift(-scale_pivot) @ MIRROR_X
    matrix[:3, 3] *= unit_m
    return np.asarray(matrix)


def _shift(by: Float64Array) -> Float64Array:
    return placement(by, np.eye(3), [1, 1, 1])


def _material(node: FbxNode, materials: list[FbxNode], textures: list[FbxNode], index: int) -> FbxMaterial:
    """The material of this index, and the texture of the first polygon that has it."""
    if not 0 <= index < len(materials):
        return FbxMaterial("", None, (0.8, 0.8, 0.8))
    properties = _properties(materials[index])
    red, green, blue = _triple(properties, "DiffuseColor", 0.8)
    return FbxMaterial(_title(_key(materials[index])), _texture(node, textures, index), (red, green, blue))


def _texture(node: FbxNode, textures: list[FbxNode], material: int) -> str | None:
    if not node.has("LayerElementTexture") or not node.child("LayerElementTexture").has("TextureId"):
        return None
    by_polygon = np.asarray(node.child("LayerElementTexture").child("TextureId").values, np.int64)
    material_by_polygon = np.zeros(1, np.int64)
    if node.has("LayerElementMaterial"):
        material_by_polygon = np.asarray(node.child("LayerElementMaterial").child("Materials").values, np.int64)
    polygon = int(np.flatnonzero(material_by_polygon == material)[0])
    texture = int(by_polygon[min(polygon, len(by_polygon) - 1)])
    if not 0 <= texture < len(textures) or not textures[texture].has("RelativeFilename"):
        return None
    return PureWindowsPath(textures[texture].text("RelativeFilename")).stem or None
