"""Normal maps of materials: which way they make a surface lean on the whole. Their single bumps are not drawn."""

from __future__ import annotations

import numpy as np

from simulator.unity.project import UnityProject
from simulator.unity.reading.pictures import Pictures
from simulator.unity.reading.substitutes import LEANS
from simulator.unity.unity_scene import Bytes, Lean

LEVEL: Lean = (0.0, 0.0)

STEEPEST_SCALE = 100.0

NORMAL_MAP = 1
"""The texture type of a .meta file."""


def lean_of(project: UnityProject, pictures: Pictures, guid: str, scale: float) -> Lean:
    """The lean of a normal map; level for pictures that Unity does not import as one.

    scale: the material's `_BumpScale`. Raises ValueError for one that no material has, UnityFileError, OSError.
    """
    path = project.paths.get(guid)
    if path is None:
        return LEVEL
    if not abs(scale) < STEEPEST_SCALE:
        raise ValueError(f"a normal map of the strength {scale}")
    settings = project.meta(path).get("TextureImporter") or {}
    from_heights = int((settings.get("bumpmap") or {}).get("convertToNormalMap", 0))
    if int(settings.get("textureType", NORMAL_MAP)) != NORMAL_MAP or from_heights:
        return LEVEL
    picture = pictures.of_path(path)
    if picture.substitute:
        along_u, along_v = LEANS.get(picture.name, LEVEL)
        return along_u * scale, along_v * scale
    return _mean_lean(picture.pixels, scale)


def _mean_lean(pixels: Bytes, scale: float) -> Lean:
    """The mean of the normals that Unity makes of red and green; it computes their third part itself."""
    aside = (pixels[..., :2].reshape(-1, 2).astype(np.float32) / 127.5 - 1) * scale
    out = np.sqrt(np.clip(1 - (aside**2).sum(1), 0, 1))
    along_u, along_v = (aside.mean(0) / max(float(out.mean()), 0.1)).tolist()
    return along_u, along_v
