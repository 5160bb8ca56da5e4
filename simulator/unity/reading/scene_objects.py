"""The objects of a scene, its own and those of its prefab instances, with the instances' overrides and their places."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from protocol.arrays import Float64Array
from simulator.unity.files.errors import UnityFileError, damage_named
from simulator.unity.files.transforms import placement, quaternion_rotation
from simulator.unity.files.yaml_documents import Document, Fields, yaml_documents
from simulator.unity.project import UnityProject
from simulator.unity.reading.models import ModelFiles

Key = tuple[int, int]
"""The file ID of an object's prefab instance (0 for the scene's own objects), and its own file ID."""

MOVING = "Rigidbody"
"""An instance with one is the car, and no scenery."""

LATER_VERSION = "PrefabInstance"
"""What Unity 2018.3 and later call a prefab's instance, with other fields."""

MOST_OBJECTS = 100_000
LARGEST_VALUE = 1e5

HIGHEST_TREE = 200
"""The most transforms above one another."""


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A component that stands somewhere. world: (4, 4) in Unity's axes; fields: of the component."""

    name: str
    world: Float64Array
    fields: Fields
    siblings: dict[str, Fields]
    """The other components of its game object, by kind."""


class SceneObjects:
    """All objects of a scene. Raises UnityFileError, as its methods do, for files that are damaged or missing."""

    def __init__(self, project: UnityProject, scene_path: str, models: ModelFiles) -> None:
        self._project, self._models = project, models
        self._prefabs: dict[str, dict[int, Document]] = {}
        self._documents: dict[Key, Document] = {}
        self._links: dict[Key, Key] = {}
        self._parents: dict[int, Key] = {}
        self._worlds: dict[Key, Float64Array] = {}
        self.file = project.checkout / scene_path
        text = project.text(scene_path)
        with damage_named(self.file):
            for file_id, document in yaml_documents(text).items():
                self._add(file_id, document)

    def components(self, kind: str) -> Iterator[SceneObject]:
        """The components of this kind that are switched on, with their places."""
        with damage_named(self.file):
            for key, document in self._documents.items():
                if document.kind == kind and document.fields.get("m_Enabled", 1):
                    owner = (key[0], _file_id(document.fields["m_GameObject"]))
                    siblings = self._siblings(owner)
                    if self._is_active(owner):
                        name = str(self._documents[owner].fields.get("m_Name", ""))
                        yield SceneObject(name, self._world(siblings["Transform"][0]), document.fields, {
                            other: fields for other, (_, fields) in siblings.items()
                        })  # fmt: skip

    @cached_property
    def settings(self) -> Fields:
        """The scene's RenderSettings: fog and ambient light; empty if it has none."""
        return next((item.fields for item in self._documents.values() if item.kind == "RenderSettings"), {})

    def _add(self, file_id: int, document: Document) -> None:
        fields = document.fields
        if document.kind == LATER_VERSION:
            raise UnityFileError(f"{self.file} was saved by Unity 2018.3 or later; only Unity 5's scenes are read")
        if document.kind == "Prefab":
            self._add_instance(file_id, fields)
        elif document.stripped:
            self._links[0, file_id] = (_file_id(fields["m_PrefabInternal"]), _file_id(fields["m_PrefabParentObject"]))
        else:
            self._documents[0, file_id] = document

    def _add_instance(self, file_id: int, fields: Fields) -> None:
        changes = fields["m_Modification"]
        path = self._project.paths.get((fields.get("m_ParentPrefab") or {}).get("guid", ""), "")
        source = self._prefab(path)
        if any(document.kind == MOVING for document in source.values()):
            return
        if len(self._documents) + len(source) > MOST_OBJECTS:
            raise UnityFileError(f"{self.file} places more than {MOST_OBJECTS} objects")
        objects = copy.deepcopy(source)
        for change in changes["m_Modifications"]:
            target = objects.get(_file_id(change["target"]))
            if target is not None:
                _set(target.fields, str(change["propertyPath"]), change["value"], change["objectReference"])
        self._parents[file_id] = (0, _file_id(changes["m_TransformParent"]))
        for inner, document in objects.items():
            self._documents[file_id, inner] = document

    def _prefab(self, path: str) -> dict[int, Document]:
        """The objects of a prefab or model file; none for the files that hold no scenery."""
        if path not in self._prefabs:
            objects: dict[int, Document] = {}
            if path.lower().endswith(".fbx"):
                objects = self._models.prefab(path)
            elif path.endswith(".prefab"):
                text = self._project.text(path)
                with damage_named(self._project.checkout / path):
                    objects = {key: item for key, item in yaml_documents(text).items() if item.kind != "Prefab"}
            self._prefabs[path] = objects
        return self._prefabs[path]

    def _siblings(self, owner: Key) -> dict[str, tuple[Key, Fields]]:
        keys = [
            (owner[0], _file_id(next(iter(entry.values())))) for entry in self._documents[owner].fields["m_Component"]
        ]
        return {self._documents[key].kind: (key, self._documents[key].fields) for key in keys if key in self._documents}

    def _is_active(self, owner: Key) -> bool:
        """Whether neither a game object nor one above it is switched off."""
        for _ in range(HIGHEST_TREE):
            if not int(self._documents[owner].fields.get("m_IsActive", 1)):
                return False
            above = self._above(self._siblings(owner)["Transform"][0])
            if above not in self._documents:
                return True
            owner = (above[0], _file_id(self._documents[above].fields["m_GameObject"]))
        raise UnityFileError(f"{self.file} has transforms in a circle, or more than {HIGHEST_TREE} above one another")

    def _above(self, key: Key) -> Key:
        """The transform that a transform hangs on; one that is not there for a root."""
        parent = _file_id(self._documents[key].fields["m_Father"])
        above = (key[0], parent) if parent else self._parents.get(key[0], (0, 0))
        return self._links.get(above, above)

    def _world(self, key: Key, height: int = 0) -> Float64Array:
        if height > HIGHEST_TREE:
            raise UnityFileError(f"{self.file} has more than {HIGHEST_TREE} transforms above one another")
        if key not in self._worlds:
            fields, above = self._documents[key].fields, self._above(key)
            rotation = quaternion_rotation(*(float(fields["m_LocalRotation"][axis]) for axis in "xyzw"))
            world = placement(vector(fields["m_LocalPosition"]), rotation, vector(fields["m_LocalScale"]))
            if above in self._documents:
                world = self._world(above, height + 1) @ world
            if not (np.abs(world) < LARGEST_VALUE).all():
                raise ValueError(f"the transform {key[1]} has a place that is no number, or too far away")
            self._worlds[key] = world
        return self._worlds[key]


def vector(fields: Fields) -> list[float]:
    """x, y, z. Raises KeyError, TypeError, ValueError."""
    return [float(fields[axis]) for axis in "xyz"]


def _file_id(reference: Fields) -> int:
    return int(reference["fileID"])


def _set(fields: Any, path: str, value: Any, reference: Fields) -> None:
    """Override what a path as `m_LocalPosition.x` or `m_Materials.Array.data[0]` names, if the object has it."""
    *way, last = path.replace(".Array.data[", ".").replace("]", "").split(".")
    for name in way:
        fields = _step(fields, name)
    if isinstance(fields, list) and last.isdecimal() and int(last) < len(fields):
        fields[int(last)] = reference
    elif isinstance(fields, dict) and last in fields:
        fields[last] = reference if isinstance(fields[last], dict) else value


def _step(fields: Any, name: str) -> Any:
    if isinstance(fields, list):
        return fields[int(name)] if name.isdecimal() and int(name) < len(fields) else None
    return fields.get(name) if isinstance(fields, dict) else None
