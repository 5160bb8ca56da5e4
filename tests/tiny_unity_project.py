"""Writes a tiny project of the file kinds of Udacity's: a scene with prefab instances, FBX, a terrain, pictures."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

from PIL import Image

from simulator.unity.opening import SCENES
from tests.tiny_fbx import binary_fbx_file, square, text_fbx_file
from tests.tiny_terrain import land_file
from tests.tiny_unity_texts import HEADER, INSTANCE_TEXT, MATERIAL_TEXT, PREFAB_TEXT, SCENE_TEXT

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9741908\n"
SCENE = SCENES["udacity-lake"]
IDS = {"GameObject": 100000, "Transform": 400000, "MeshRenderer": 2300000, "MeshFilter": 3300000, "Mesh": 4300000}

ROAD, POST, LAND = "Assets/tiny/Models/road.FBX", "Assets/tiny/Models/post.fbx", "Assets/tiny/Models/Land.asset"
ROCK, CAR, WATER = "Assets/tiny/Prefabs/rock.prefab", "Assets/tiny/Prefabs/Car.prefab", "Assets/tiny/Water.prefab"
ASPHALT, PAINT = "Assets/tiny/Materials/asphalt.mat", "Assets/tiny/Materials/paint.mat"
ASPHALT_PICTURE, PAINT_PICTURE = "Assets/tiny/Textures/asphalt.png", "Assets/tiny/Textures/paint.tga"
BUMPS = "Assets/tiny/Textures/concrete-floor-n.png"
GRASS, NORMALS, TUFT = "Assets/tiny/grass.png", "Assets/tiny/grass-n.png", "Assets/tiny/tuft.png"
TREE, TREE_ATLAS = "Assets/tiny/Conifer_Desktop.spm", "Assets/tiny/Conifer_Desktop_Atlas_Billboards.tga"


def guid_of(path: str) -> str:
    """The GUID that the tiny project gives a file."""
    return f"{zlib.crc32(path.encode()):032x}"


def write_tiny_project(folder: Path) -> Path:
    """Write the project into `folder` and return it."""
    names = {
        name: guid_of(path) for name, path in (("road", ROAD), ("asphalt", ASPHALT), ("paint", PAINT), ("land", LAND))
    }
    renderer, other = IDS["MeshRenderer"], 1
    placed = (
        (51, ROCK, 7, 1, renderer),
        (52, POST, -3, 0, other),
        (53, CAR, 0, 0, renderer),
        (54, WATER, 0, -0.5, renderer),
    )
    instances = "".join(
        INSTANCE_TEXT.format(number=number, guid=guid_of(path), x=x, y=y, renderer=renderer, material=names["paint"])
        for number, path, x, y, renderer in placed
    )
    write(folder, SCENE, HEADER + SCENE_TEXT.format(**names) + instances)
    write_model(folder, ROAD, binary_fbx_file(square("road", "Model", materials=2)), "road")
    write_model(folder, POST, text_fbx_file(square("post", "Text", materials=1)), "post")
    write_model(folder, "Assets/tiny/WaterPlane.fbx", b"nobody reads it", "plane")
    prefab = {"mesh": guid_of(POST), "material": names["asphalt"]}
    write(folder, ROCK, HEADER + PREFAB_TEXT.format(name="rock", **prefab))
    write(
        folder, CAR, HEADER + PREFAB_TEXT.format(name="car", **prefab) + "--- !u!54 &5400000\nRigidbody:\n  m_Mass: 1\n"
    )
    water = {**prefab, "mesh": guid_of("Assets/tiny/WaterPlane.fbx")}
    write(folder, WATER, HEADER + PREFAB_TEXT.format(name="water", **water))
    write(
        folder, ASPHALT, HEADER + MATERIAL_TEXT.format(picture=guid_of(ASPHALT_PICTURE), bumps=guid_of(BUMPS), mode=0)
    )
    write(folder, PAINT, HEADER + MATERIAL_TEXT.format(picture=guid_of(PAINT_PICTURE), bumps=guid_of(NORMALS), mode=1))
    write(folder, ASPHALT_PICTURE, picture(64, "PNG"))
    write(folder, PAINT_PICTURE, picture(32, "TGA", "RGBA"))
    write(folder, GRASS, picture(16, "PNG"))
    write(folder, TUFT, picture(16, "PNG", "RGBA"))
    write(folder, NORMALS, picture(16, "PNG"), "TextureImporter:\n  textureType: 0\n")
    write(folder, BUMPS, picture(16, "PNG"), "TextureImporter:\n  textureType: 1\n")
    write(folder, TREE, b"SpeedTree")
    write(folder, TREE_ATLAS, picture(128, "TGA", "RGBA"))
    write(folder, LAND, land_file([guid_of(path) for path in (GRASS, NORMALS, TUFT, TREE)]))
    write(folder, "ProjectSettings/ProjectVersion.txt", "m_EditorVersion: 5.5.1f1\n")
    return folder


def write(folder: Path, path: str, content: str | bytes, meta: str = "") -> None:
    """Write a file and its .meta file."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    Path(f"{file}.meta").write_text(f"fileFormatVersion: 2\nguid: {guid_of(path)}\n{meta}")


def write_model(folder: Path, path: str, content: bytes, mesh: str) -> None:
    """Write a model file with one mesh, and the names of its objects."""
    names = "".join(f"    {number}: {mesh if kind == 'Mesh' else '//RootNode'}\n" for kind, number in IDS.items())
    write(folder, path, content, f"ModelImporter:\n  fileIDToRecycleName:\n{names}")


def picture(side: int, image_format: str, mode: str = "RGB") -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new(mode, (side, side), (100, 150, 200, 128)[: len(mode)]).save(file, image_format)
    return file.getvalue()
