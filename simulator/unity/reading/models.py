"""Model files of a project: their meshes by Unity's references, and as prefabs, which scenes place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from simulator.unity.files.errors import UnityFileError, damage_named
from simulator.unity.files.fbx_mesh import FbxMesh
from simulator.unity.files.fbx_models import FbxMaterial, FbxModel, read_models
from simulator.unity.files.fbx_text import read_fbx
from simulator.unity.files.transforms import rotation_quaternion
from simulator.unity.files.yaml_documents import Document, Fields
from simulator.unity.project import UnityProject

CLASSES = {"GameObject": 1, "Transform": 4, "MeshRenderer": 23, "MeshFilter": 33, "Mesh": 43}
IDS_A_CLASS = 100_000
ROOT = "//RootNode"


class ModelFiles:
    """The FBX files of a project, each read once. report: gets each file's path before it is read."""

    def __init__(self, project: UnityProject, report: Callable[[str], None]) -> None:
        self._project, self._report = project, report
        self._models: dict[str, list[FbxModel]] = {}
        self._names: dict[str, dict[int, str]] = {}

    def mesh(self, reference: Fields) -> tuple[str, FbxMesh] | None:
        """A mesh by its reference, and its file; None for the meshes that Unity itself brings.

        Raises UnityFileError, OSError.
        """
        path = self._project.paths.get(str(reference.get("guid")))
        if path is None or not path.lower().endswith(".fbx"):
            return None
        name = self._ids(path).get(int(reference["fileID"]))
        for model in self.models(path):
            if model.mesh is not None and model.name == name:
                return path, model.mesh
        raise UnityFileError(f"{self._project.checkout / path} has no mesh {name!r}, which a scene or prefab places")

    def models(self, path: str) -> list[FbxModel]:
        """The models of a file. Raises UnityFileError, OSError."""
        if path not in self._models:
            self._report(path)
            content = self._project.read(path)
            with damage_named(self._project.checkout / path):
                self._models[path] = read_models(read_fbx(content))
        return self._models[path]

    def prefab(self, path: str) -> dict[int, Document]:
        """The objects that Unity makes of a model file, as a prefab has them. Raises UnityFileError, OSError.

        A file with one model becomes one object; the models of another hang below an object of their own.
        """
        ids = {(file_id // IDS_A_CLASS, name): file_id for file_id, name in self._ids(path).items()}
        models = self.models(path)
        unnamed = iter(range(-1, -10 * len(models) - 10, -1))
        single = len(models) == 1
        objects: dict[int, Document] = {}
        transforms: list[int] = []

        def own_id(kind: str, name: str) -> int:
            return ids.get((CLASSES[kind], name)) or next(unnamed)

        title = PurePosixPath(path).stem
        root = 0 if single else _add_object(objects, own_id, ROOT, np.eye(4), 0, title)
        for model in models:
            name = ROOT if single else model.name
            above = root if model.parent is None else transforms[model.parent]
            transforms.append(_add_object(objects, own_id, name, model.local, above, title if single else name))
            if model.mesh is not None:
                mesh = {"fileID": ids.get((CLASSES["Mesh"], model.name), 0), "guid": self._project.guids.get(path)}
                game_object = objects[transforms[-1]].fields["m_GameObject"]
                components = objects[game_object["fileID"]].fields["m_Component"]
                materials = [self._material(path, item) for item in model.materials]
                for kind, fields in (("MeshFilter", {"m_Mesh": mesh}), ("MeshRenderer", {"m_Materials": materials})):
                    file_id = own_id(kind, name)
                    objects[file_id] = Document(kind, {"m_GameObject": game_object, **fields})
                    components.append({"component": {"fileID": file_id}})
        return objects

    def _ids(self, path: str) -> dict[int, str]:
        """The names of a file's objects by their file IDs, from its .meta file."""
        if path not in self._names:
            meta = self._project.meta(path)
            with damage_named(self._project.checkout / f"{path}.meta"):
                table = (meta.get("ModelImporter") or {}).get("fileIDToRecycleName")
                if not isinstance(table, dict):
                    raise UnityFileError(
                        f"{self._project.checkout / path}.meta has no fileIDToRecycleName, which Unity 5 writes and "
                        "later versions do not"
                    )
                self._names[path] = {int(file_id): str(name) for file_id, name in table.items()}
        return self._names[path]

    def _material(self, path: str, material: FbxMaterial) -> dict[str, Any]:
        """A reference to the .mat file that Unity looks for by the texture's name, or the file's own material.

        Unity looks in folders `Materials` beside the model and beside all folders above it.
        """
        folders = path.split("/")[:-1]
        for depth in range(len(folders), 0, -1):
            candidate = "/".join([*folders[:depth], "Materials", f"{material.texture or material.name}.mat"])
            if candidate in self._project.guids:
                return {"fileID": 2100000, "guid": self._project.guids[candidate]}
        return {"fileID": 0, "name": material.name, "color": material.color}


def _add_object(
    objects: dict[int, Document],
    own_id: Callable[[str, str], int],
    name: str,
    local: np.ndarray,
    above: int,
    title: str,
) -> int:
    """Add a game object, by its name in the .meta file, and its transform, whose file ID it returns. local: (4, 4)."""
    scale = np.linalg.norm(local[:3, :3], axis=0)
    if np.linalg.det(local[:3, :3]) < 0:
        scale[0] = -scale[0]
    rotation = rotation_quaternion(local[:3, :3] / np.where(scale == 0, 1, scale))
    game_object, transform = own_id("GameObject", name), own_id("Transform", name)
    objects[game_object] = Document(
        "GameObject", {"m_Name": title, "m_IsActive": 1, "m_Component": [{"component": {"fileID": transform}}]}
    )
    objects[transform] = Document(
        "Transform",
        {
            "m_GameObject": {"fileID": game_object},
            "m_Father": {"fileID": above},
            "m_LocalPosition": dict(zip("xyz", local[:3, 3].tolist(), strict=True)),
            "m_LocalRotation": dict(zip("xyzw", rotation, strict=True)),
            "m_LocalScale": dict(zip("xyz", scale.tolist(), strict=True)),
        },
    )
    return transform
