"""Reads a scene of a checkout into arrays: what is drawn of it, in `UnityScene`'s axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from protocol.arrays import Float64Array
from simulator.unity.files.errors import UnityFileError, damage_named
from simulator.unity.files.fbx_mesh import FbxMesh
from simulator.unity.files.yaml_documents import Fields
from simulator.unity.project import UnityProject
from simulator.unity.reading.land import read_land
from simulator.unity.reading.materials import PLAIN, Materials
from simulator.unity.reading.models import ModelFiles
from simulator.unity.reading.pictures import Pictures
from simulator.unity.reading.scene_objects import SceneObjects
from simulator.unity.unity_scene import Fog, Light, MeshPart, Rgb, Terrain, UnityScene

DIRECTIONAL = 1
LINEAR_FOG = 1

STANDARD_LAND = 0
"""The material type of a terrain that Unity's standard shader draws; 1 scatters light alike to all sides."""

MOST_TRIANGLES = 5_000_000
MOST_TERRAINS = 4

OUR_AXES = [0, 2, 1]
"""Unity's x, y (up), z (ahead) as x, y (ahead), z (up)."""

VERSION = "ProjectSettings/ProjectVersion.txt"


def read_scene(project: UnityProject, path: str, report: Callable[[str], None]) -> UnityScene:
    """The scene in a .unity file. report: gets each file's path before it is read. Raises UnityFileError, OSError."""
    models, pictures = ModelFiles(project, report), Pictures(project, report)
    materials = Materials(project, pictures)
    report(path)
    objects = SceneObjects(project, path, models)
    parts, water_m = _parts(project, objects, models, materials)
    terrains = _terrains(project, objects, pictures, report)
    if not parts and not terrains:
        raise UnityFileError(f"{objects.file} holds neither meshes nor land")
    with damage_named(objects.file):
        fog, ambient = _air(objects.settings)
    return UnityScene(
        PurePosixPath(path).stem,
        tuple(parts),
        materials.by_name,
        terrains,
        _lights(objects),
        ambient,
        fog,
        water_m,
        (*_version_remarks(project), *pictures.remarks),
    )


def _parts(
    project: UnityProject, objects: SceneObjects, models: ModelFiles, materials: Materials
) -> tuple[list[MeshPart], float | None]:
    parts: list[MeshPart] = []
    water_m, triangles = None, 0
    for item in objects.components("MeshRenderer"):
        reference = (item.siblings.get("MeshFilter") or {}).get("m_Mesh") or {}
        if PurePosixPath(project.paths.get(str(reference.get("guid")), "")).name.startswith("Water"):
            water_m = float(item.world[1, 3])
            continue
        model = models.mesh(reference)
        if model is not None:
            surfaces = [materials.name_of(surface) for surface in item.fields["m_Materials"]] or [PLAIN.name]
            shadow = bool(int(item.fields.get("m_CastShadows", 1)))
            parts += _placed(item.name, model[1], item.world, surfaces, shadow)
            triangles += sum(len(submesh) for submesh in model[1].submeshes)
            if triangles > MOST_TRIANGLES:
                raise UnityFileError(f"{objects.file} places more than {MOST_TRIANGLES} triangles")
    return parts, water_m


def _placed(name: str, mesh: FbxMesh, world: Float64Array, surfaces: list[str], shadow: bool) -> list[MeshPart]:
    """A mesh in world coordinates, a part for each submesh. world: (4, 4) in Unity's axes."""
    linear = world[:3, :3]
    determinant = np.linalg.det(linear)
    if abs(determinant) < 1e-12:
        return []
    places = (mesh.places @ linear.T + world[:3, 3])[:, OUR_AXES]
    normals = (mesh.normals @ np.linalg.inv(linear))[:, OUR_AXES]
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    parts = []
    for index, submesh in enumerate(mesh.submeshes):
        vertices, corners = np.unique(submesh, return_inverse=True)
        if not len(vertices):
            continue
        corners = corners.reshape(-1, 3)
        parts.append(
            MeshPart(
                name,
                surfaces[min(index, len(surfaces) - 1)],
                places[vertices].astype(np.float32),
                normals[vertices].astype(np.float32),
                mesh.uv[vertices].astype(np.float32),
                np.ascontiguousarray(corners[:, ::-1] if determinant < 0 else corners).astype(np.uint32),
                shadow,
            )
        )
    return parts


def _terrains(
    project: UnityProject, objects: SceneObjects, pictures: Pictures, report: Callable[[str], None]
) -> tuple[Terrain, ...]:
    terrains: list[Terrain] = []
    for item in objects.components("Terrain"):
        if len(terrains) == MOST_TERRAINS:
            raise UnityFileError(f"{objects.file} has more than {MOST_TERRAINS} terrains")
        path = project.paths.get(str((item.fields.get("m_TerrainData") or {}).get("guid")))
        if path is None:
            raise UnityFileError(f"{objects.file} has land whose file is missing; is {project.checkout} whole?")
        report(path)
        x, y, z = (float(value) for value in item.world[:3, 3])
        terrain = read_land(project, path, pictures, (x, y, z))
        standard = item.fields.get("m_MaterialType") == STANDARD_LAND
        terrains.append(replace(terrain, roughness=1.0) if standard else terrain)
    return tuple(terrains)


def _lights(objects: SceneObjects) -> tuple[Light, ...]:
    lights = []
    for item in objects.components("Light"):
        with damage_named(objects.file):
            if int(item.fields["m_Type"]) == DIRECTIONAL:
                x, y, z = item.world[:3, 2] / np.linalg.norm(item.world[:3, 2])
                shadows: Any = item.fields.get("m_Shadows") or {}
                strength = float(shadows.get("m_Strength", 1)) if int(shadows.get("m_Type", 0)) else 0.0
                color = _rgb(item.fields["m_Color"], float(item.fields["m_Intensity"]))
                lights.append(Light((float(x), float(z), float(y)), color, strength))
    return tuple(sorted(lights, key=lambda light: -sum(light.color)))


def _air(settings: Fields) -> tuple[Fog | None, Rgb]:
    """Fog, and ambient light: the sky's mean, as Unity noted it when it lit the scene; black if it never did."""
    fog = None
    if int(settings.get("m_Fog", 0)) and int(settings.get("m_FogMode", 0)) == LINEAR_FOG:
        start_m, end_m = float(settings["m_LinearFogStart"]), float(settings["m_LinearFogEnd"])
        fog = Fog(_rgb(settings["m_FogColor"]), start_m, max(end_m, start_m + 1))
    sky = settings.get("m_IndirectSpecularColor") or {"r": 0, "g": 0, "b": 0}
    return fog, _rgb(sky, float(settings.get("m_AmbientIntensity", 1)))


def _rgb(fields: Fields, strength: float = 1.0) -> Rgb:
    return float(fields["r"]) * strength, float(fields["g"]) * strength, float(fields["b"]) * strength


def _version_remarks(project: UnityProject) -> tuple[str, ...]:
    try:
        version = project.text(VERSION).partition("m_EditorVersion:")[2].strip().split("\n")[0]
    except UnityFileError:
        version = ""
    if version.startswith("5."):
        return ()
    return (f"{project.checkout / VERSION} names the Unity version {version or 'not at all'}; this reader knows 5.x",)
