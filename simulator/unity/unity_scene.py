"""What a Unity scene holds, as arrays: the reader fills it, the renderer draws it, and the surveyed tracks lie in it.

Places are metres, x to the right, y ahead and z up, which are Unity's x, z and y; so the axes are right-handed, and
triangles run anticlockwise seen from their front. Colours are 0..1 in gamma space, as Unity's inspector shows them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rgb = tuple[float, float, float]
Lean = tuple[float, float]
"""How far a normal leans towards growing u and growing v, for each metre that it looks outwards."""

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """A texture. pixels: uint8 (rows, columns, 3 or 4), first row at the top; substitute: why it is not the file's."""

    name: str
    pixels: Bytes
    substitute: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """How a surface looks. color: its tint; tiling, offset: of the texture coordinates; cutout: least alpha drawn.

    lean: of the mean of its normal map. roughness: of Unity's standard shader, 0..1; None for a surface that scatters
    light alike to all sides.
    """

    name: str
    color: Rgb
    picture: Picture
    tiling: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    cutout: float | None = None
    lean: Lean = (0.0, 0.0)
    roughness: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class MeshPart:
    """Triangles of one object and material. places, normals: float32 (n, 3); uv: (n, 2), v upwards; corners: (m, 3)."""

    name: str
    material: str
    places: Floats
    normals: Floats
    uv: Floats
    corners: npt.NDArray[np.uint32]
    casts_shadow: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class TerrainLayer:
    """A ground texture, repeated every tile_m metres. tangent_lit: its normal map is imported as a plain picture."""

    picture: Picture
    tile_m: tuple[float, float]
    tangent_lit: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Plants:
    """Trees or tufts of one sort, as upright cards. places: float32 (n, 3), of their feet; width_m, height_m: (n,)."""

    name: str
    picture: Picture
    places: Floats
    width_m: Floats
    height_m: Floats
    tint: Floats
    """float32 (n, 3)."""


@dataclass(frozen=True, eq=False, slots=True)
class Terrain:
    """Land. heights: float32 (rows along y, columns along x), metres; weights: uint8 (rows, columns, layers).

    roughness: as a material's.
    """

    origin: tuple[float, float]
    cell_m: tuple[float, float]
    heights: Floats
    weights: Bytes
    layers: tuple[TerrainLayer, ...]
    plants: tuple[Plants, ...] = ()
    roughness: float | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """A far light. direction: unit vector of its rays; color: times its intensity; shadow: strength of cast shadows."""

    direction: tuple[float, float, float]
    color: Rgb
    shadow: float = 0.0


@dataclass(frozen=True, slots=True)
class Fog:
    """Linear fog: none nearer than start_m, nothing else farther than end_m."""

    color: Rgb
    start_m: float
    end_m: float


@dataclass(frozen=True, eq=False, slots=True)
class UnityScene:
    """A whole scene. lights: the brightest first; water_m: height of the level water; remarks: what was missing."""

    name: str
    parts: tuple[MeshPart, ...]
    materials: dict[str, Material]
    terrains: tuple[Terrain, ...]
    lights: tuple[Light, ...]
    ambient: Rgb
    fog: Fog | None
    water_m: float | None = None
    remarks: tuple[str, ...] = ()
