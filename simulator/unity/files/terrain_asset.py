"""A terrain's .asset file: serialised objects that bring the description of their fields, read by UnityPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import UnityPy
from UnityPy.files import SerializedFile

from simulator.unity.files.errors import FormatError

TERRAIN_CLASS, TEXTURE_CLASS = 156, 28


class TerrainAsset(NamedTuple):
    """The fields of a terrain. textures: of its weights, by path ID; guids: of the other files that it refers to."""

    fields: dict[str, Any]
    textures: dict[int, dict[str, Any]]
    guids: list[str]

    def guid(self, reference: dict[str, Any]) -> str | None:
        """The GUID of the file that a reference means; None for none. Raises KeyError, IndexError."""
        number = int(reference["m_FileID"])
        return self.guids[number - 1] if number > 0 else None


def read_terrain(data: bytes) -> TerrainAsset:
    """The terrain in an .asset file. Raises FormatError, and what UnityPy raises for damage."""
    if int.from_bytes(data[4:8], "big") != len(data):
        raise FormatError("is no serialised file of Unity 5: its header names another size")
    file = UnityPy.load(data).file
    if not isinstance(file, SerializedFile):
        raise FormatError("is no serialised file of Unity 5")
    terrain, textures = None, {}
    for path_id, item in file.objects.items():
        if item.class_id == TERRAIN_CLASS:
            terrain = item.read_typetree()
        elif item.class_id == TEXTURE_CLASS:
            textures[path_id] = item.read_typetree()
    if not isinstance(terrain, dict):
        raise FormatError("holds no terrain")
    return TerrainAsset(terrain, textures, [_guid_text(bytes(external.guid or b"")) for external in file.externals])


def _guid_text(guid: bytes) -> str:
    """A GUID as .meta files write it: the digits of each byte swapped."""
    return "".join(f"{byte & 15:x}{byte >> 4:x}" for byte in guid)
