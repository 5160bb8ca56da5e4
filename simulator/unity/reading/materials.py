"""Materials: tint, picture and tiling, from .mat files or from the model file that names them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from simulator.unity.files.errors import UnityFileError, damage_named
from simulator.unity.files.yaml_documents import Fields, yaml_documents
from simulator.unity.project import UnityProject
from simulator.unity.reading.normal_maps import LEVEL, lean_of
from simulator.unity.reading.pictures import WHITE, Pictures
from simulator.unity.unity_scene import Material

CUTOUT_MODE = 1
"""The rendering mode of Unity's standard shader that leaves out what is more transparent than `_Cutoff`."""

STANDARD_SHADER = 46
"""The number of Unity's standard shader among its built-in assets."""

NORMALS_USED = "_NORMALMAP"
"""The keyword of a material whose normal map takes part."""

PLAIN = Material("plain", (0.8, 0.8, 0.8), WHITE)
"""For a mesh without a material."""


class Materials:
    """The materials of a project, each read once, by names of their own."""

    def __init__(self, project: UnityProject, pictures: Pictures) -> None:
        self._project, self._pictures = project, pictures
        self._names: dict[tuple[str, str], str] = {}
        self.by_name: dict[str, Material] = {PLAIN.name: PLAIN}

    def name_of(self, reference: Fields) -> str:
        """The name of the material that a renderer refers to. Raises UnityFileError, OSError."""
        path = self._project.paths.get(str(reference.get("guid")))
        key = (path or "", str(reference.get("name", "")))
        if key not in self._names:
            if path and path.endswith(".mat"):
                material = self._read(path)
            elif key[1]:
                red, green, blue = reference["color"]
                material = Material(key[1], (red, green, blue), WHITE)
            else:
                return PLAIN.name
            name = material.name
            while name in self.by_name:
                name += "'"
            self._names[key] = name
            self.by_name[name] = material
        return self._names[key]

    def _read(self, path: str) -> Material:
        text = self._project.text(path)
        with damage_named(self._project.checkout / path):
            saved = next((d.fields for d in yaml_documents(text).values() if d.kind == "Material"), None)
            if saved is None:
                raise UnityFileError(f"{self._project.checkout / path} holds no material")
            properties = saved["m_SavedProperties"]
            textures = _named(properties["m_TexEnvs"])
            texture = textures.get("_MainTex") or {}
            floats, colors = _named(properties["m_Floats"]), _named(properties["m_Colors"])
            tint = colors.get("_Color") or {"r": 1, "g": 1, "b": 1}
            color = float(tint["r"]), float(tint["g"]), float(tint["b"])
            guid = _guid(texture)
            uses_normals = NORMALS_USED in str(saved.get("m_ShaderKeywords") or "").split()
            normals = _guid(textures.get("_BumpMap") or {}) if uses_normals else None
            return Material(
                PurePosixPath(path).stem,
                color,
                self._pictures.of_guid(guid) if guid else WHITE,
                _pair(texture.get("m_Scale"), 1.0),
                _pair(texture.get("m_Offset"), 0.0),
                float(floats.get("_Cutoff", 0.5)) if int(floats.get("_Mode", 0)) == CUTOUT_MODE else None,
                lean_of(self._project, self._pictures, normals, float(floats.get("_BumpScale", 1)))
                if normals
                else LEVEL,
                _roughness(saved.get("m_Shader") or {}, floats),
            )


def _roughness(shader: Fields, floats: Fields) -> float | None:
    """None for other shaders than the standard one. Raises ValueError for a smoothness that no material has."""
    if int(shader.get("fileID", 0)) != STANDARD_SHADER:
        return None
    smoothness = float(floats.get("_Glossiness", 0.5))
    if not 0 <= smoothness <= 1:
        raise ValueError(f"a smoothness of {smoothness}")
    return 1 - smoothness


def _guid(texture: Any) -> str | None:
    guid = (texture.get("m_Texture") or {}).get("guid")
    return str(guid) if guid else None


def _named(entries: Any) -> dict[str, Any]:
    """A property list by names: of `first` and `second` before Unity 5.5's end, of one name an entry later."""
    named = {}
    for entry in entries or []:
        if "first" in entry:
            named[str(entry["first"]["name"])] = entry["second"]
        else:
            named.update(entry)
    return named


def _pair(fields: Any, default: float) -> tuple[float, float]:
    return (float(fields["x"]), float(fields["y"])) if fields else (default, default)
