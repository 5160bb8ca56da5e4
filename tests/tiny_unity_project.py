"""Writes a tiny project of the file kinds of Udacity's: a scene with prefab instances, FBX, a terrain, pictures."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from simulator.unity.files.fbx_nodes import FbxNode
from simulator.unity.opening import SCENES
from tests.tiny_unity_files import Field, binary_fbx_file, node, serialised_file, several, text_fbx_file

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9741908\n"
SCENE = SCENES["udacity-lake"]
HEADER = "%YAML 1.1\n%TAG !u! tag:unity3d.com,2011:\n"
IDS = {"GameObject": 100000, "Transform": 400000, "MeshRenderer": 2300000, "MeshFilter": 3300000, "Mesh": 4300000}

ROAD, POST, LAND = "Assets/tiny/Models/road.FBX", "Assets/tiny/Models/post.fbx", "Assets/tiny/Models/Land.asset"
ROCK, CAR, WATER = "Assets/tiny/Prefabs/rock.prefab", "Assets/tiny/Prefabs/Car.prefab", "Assets/tiny/Water.prefab"
ASPHALT, PAINT = "Assets/tiny/Materials/asphalt.mat", "Assets/tiny/Materials/paint.mat"
ASPHALT_PICTURE, PAINT_PICTURE = "Assets/tiny/Textures/asphalt.png", "Assets/tiny/Textures/paint.tga"
BUMPS = "Assets/tiny/Textures/concrete-floor-n.png"
GRASS, NORMALS, TUFT = "Assets/tiny/grass.png", "Assets/tiny/grass-n.png", "Assets/tiny/tuft.png"
TREE, TREE_ATLAS = "Assets/tiny/Conifer_Desktop.spm", "Assets/tiny/Conifer_Desktop_Atlas_Billboards.tga"

SCENE_TEXT = """--- !u!104 &2
RenderSettings:
  m_Fog: 1
  m_FogColor: {{r: 0.4, g: 0.6, b: 0.8, a: 1}}
  m_FogMode: 1
  m_LinearFogStart: 100
  m_LinearFogEnd: 600
  m_AmbientIntensity: 1
  m_IndirectSpecularColor: {{r: 0.1, g: 0.2, b: 0.3, a: 1}}
--- !u!1 &10
GameObject:
  m_Component:
  - 4: {{fileID: 11}}
  - 33: {{fileID: 12}}
  - 23: {{fileID: 13}}
  m_Name: road
  m_IsActive: 1
--- !u!4 &11
Transform:
  m_GameObject: {{fileID: 10}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 100, y: 5, z: 200}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!33 &12
MeshFilter:
  m_GameObject: {{fileID: 10}}
  m_Mesh: {{fileID: 4300000, guid: {road}, type: 3}}
--- !u!23 &13
MeshRenderer:
  m_GameObject: {{fileID: 10}}
  m_Enabled: 1
  m_CastShadows: 0
  m_Materials:
  - {{fileID: 2100000, guid: {asphalt}, type: 2}}
  - {{fileID: 2100000, guid: {paint}, type: 2}}
--- !u!1 &70
GameObject:
  m_Component:
  - component: {{fileID: 71}}
  - component: {{fileID: 72}}
  m_Name: glow
  m_IsActive: 1
--- !u!4 &71
Transform:
  m_GameObject: {{fileID: 70}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!108 &72
Light:
  m_GameObject: {{fileID: 70}}
  m_Enabled: 1
  m_Type: 1
  m_Color: {{r: 0.1, g: 0.2, b: 0.3, a: 1}}
  m_Intensity: 1
--- !u!1 &20
GameObject:
  m_Component:
  - component: {{fileID: 21}}
  - component: {{fileID: 22}}
  m_Name: sun
  m_IsActive: 1
--- !u!4 &21
Transform:
  m_GameObject: {{fileID: 20}}
  m_LocalRotation: {{x: 0.70710678, y: 0, z: 0, w: 0.70710678}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!108 &22
Light:
  m_GameObject: {{fileID: 20}}
  m_Enabled: 1
  m_Type: 1
  m_Color: {{r: 1, g: 0.5, b: 0.25, a: 1}}
  m_Intensity: 2
  m_Shadows:
    m_Type: 2
    m_Strength: 0.5
--- !u!1 &40
GameObject:
  m_Component:
  - component: {{fileID: 41}}
  - component: {{fileID: 42}}
  m_Name: bulb
  m_IsActive: 1
--- !u!4 &41
Transform:
  m_GameObject: {{fileID: 40}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!108 &42
Light:
  m_GameObject: {{fileID: 40}}
  m_Enabled: 1
  m_Type: 2
  m_Color: {{r: 1, g: 1, b: 1, a: 1}}
  m_Intensity: 9
--- !u!1 &30
GameObject:
  m_Component:
  - component: {{fileID: 31}}
  - component: {{fileID: 32}}
  m_Name: land
  m_IsActive: 1
--- !u!4 &31
Transform:
  m_GameObject: {{fileID: 30}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: -10, y: -2, z: -20}}
  m_LocalScale: {{x: 1, y: 1, z: 1}}
  m_Father: {{fileID: 0}}
--- !u!218 &32
Terrain:
  m_GameObject: {{fileID: 30}}
  m_Enabled: 1
  m_TerrainData: {{fileID: 15600000, guid: {land}, type: 2}}
"""

INSTANCE_TEXT = """--- !u!1001 &{number}
Prefab:
  m_Modification:
    m_TransformParent: {{fileID: 0}}
    m_Modifications:
    - target: {{fileID: 400000, guid: {guid}, type: 2}}
      propertyPath: m_LocalPosition.x
      value: {x}
      objectReference: {{fileID: 0}}
    - target: {{fileID: 400000, guid: {guid}, type: 2}}
      propertyPath: m_LocalPosition.y
      value: {y}
      objectReference: {{fileID: 0}}
    - target: {{fileID: {renderer}, guid: {guid}, type: 2}}
      propertyPath: m_Materials.Array.data[0]
      value:
      objectReference: {{fileID: 2100000, guid: {material}, type: 2}}
  m_ParentPrefab: {{fileID: 100100000, guid: {guid}, type: 2}}
"""

PREFAB_TEXT = """--- !u!1 &100000
GameObject:
  m_Component:
  - component: {{fileID: 400000}}
  - component: {{fileID: 3300000}}
  - component: {{fileID: 2300000}}
  m_Name: {name}
  m_IsActive: 1
--- !u!4 &400000
Transform:
  m_GameObject: {{fileID: 100000}}
  m_LocalRotation: {{x: 0, y: 0, z: 0, w: 1}}
  m_LocalPosition: {{x: 0, y: 0, z: 0}}
  m_LocalScale: {{x: 2, y: 2, z: 2}}
  m_Father: {{fileID: 0}}
--- !u!33 &3300000
MeshFilter:
  m_GameObject: {{fileID: 100000}}
  m_Mesh: {{fileID: 4300000, guid: {mesh}, type: 3}}
--- !u!23 &2300000
MeshRenderer:
  m_GameObject: {{fileID: 100000}}
  m_Enabled: 1
  m_CastShadows: 1
  m_Materials:
  - {{fileID: 2100000, guid: {material}, type: 2}}
--- !u!1001 &100100000
Prefab:
  m_ParentPrefab: {{fileID: 0}}
"""

MATERIAL_TEXT = """--- !u!21 &2100000
Material:
  m_Name: any
  m_ShaderKeywords: _EMISSION _NORMALMAP
  m_SavedProperties:
    m_TexEnvs:
    - first:
        name: _MainTex
      second:
        m_Texture: {{fileID: 2800000, guid: {picture}, type: 3}}
        m_Scale: {{x: 3, y: 4}}
        m_Offset: {{x: 0, y: 0.5}}
    - first:
        name: _BumpMap
      second:
        m_Texture: {{fileID: 2800000, guid: {bumps}, type: 3}}
    m_Floats:
    - first:
        name: _Mode
      second: {mode}
    - first:
        name: _Cutoff
      second: 0.4
    - first:
        name: _BumpScale
      second: 2
    m_Colors:
    - first:
        name: _Color
      second: {{r: 0.5, g: 0.6, b: 0.7, a: 1}}
"""


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
    write(folder, LAND, land_file())
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


def square(name: str, form: str, materials: int) -> FbxNode:
    """A square of 200 x 100 units of 1 cm, up in y, of two quads: from x 0 to 1 and from 1 to 2 metres, z 0 to 1."""

    def title(kind: str, text: str) -> str:
        return f"{kind}::{text}" if form == "Text" else f"{text}\0\1{kind}"

    corners = [(x, 0.0, z) for x in (0.0, 100.0, 200.0) for z in (0.0, 100.0)]
    polygons = [0, 1, 3, ~2, 2, 3, 5, ~4]
    layers = [
        node("Vertices", *(float(value) for corner in corners for value in corner)),
        node("PolygonVertexIndex", *polygons),
        node(
            "LayerElementNormal",
            0,
            children=[node("MappingInformationType", "ByPolygonVertex"), node("Normals", *([0.0, 1.0, 0.0] * 8))],
        ),
        node(
            "LayerElementUV",
            0,
            children=[
                node("MappingInformationType", "ByPolygonVertex"),
                node("UV", *(value / 100 for x, _, z in corners for value in (x, z))),
                node("UVIndex", *(index if index >= 0 else ~index for index in polygons)),
            ],
        ),
        node("LayerElementMaterial", 0, children=[node("Materials", *([0, 1] if materials == 2 else [0]))]),
        node("LayerElementTexture", 0, children=[node("TextureId", 0)]),
    ]
    model, scene = title("Model", name), title("Model", "Scene")
    objects = [node("Model", model, "Mesh", children=layers)]
    links = [node("Connect", "OO", model, scene)]
    for number in range(materials):
        objects.append(node("Material", title("Material", f"surface {number}"), ""))
        links.append(node("Connect", "OO", title("Material", f"surface {number}"), model))
    texture = title("Texture", "picture")
    objects.append(node("Texture", texture, "", children=[node("RelativeFilename", "..\\asphalt.png")]))
    links.append(node("Connect", "OO", texture, model))
    return FbxNode("", children=[node("Objects", children=objects), node("Connections", children=links)])


def land_file(columns: int = 5, rows: int = 5) -> bytes:
    """A terrain of 5 x 5 heights that rise by 1 m a column to the east, 2 layers, a tree, and 3 tufts of grass."""
    steps = [round(column / 60 * 32766) for column in range(columns) for _ in range(rows)]
    weights = np.zeros((4, 4, 4), np.uint8)
    weights[..., 1], weights[0, :, 1], weights[0, :, 2] = 255, 0, 255  # ARGB; the southern row is the second layer
    terrain = Field(
        "TerrainData",
        "Base",
        [
            Field("string", "m_Name", "land"),
            Field(
                "SplatDatabase",
                "m_SplatDatabase",
                [
                    several("m_Splats", _splat(1, 2), [_splat(1, 2), _splat(1, 0)]),
                    several("m_AlphaTextures", _reference("data", 0, 77), [_reference("data", 0, 77)]),
                ],
            ),
            Field("DetailDatabase", "m_DetailDatabase", _plants()),
            Field(
                "Heightmap",
                "m_Heightmap",
                [
                    several("m_Heights", Field("SInt16", "data", 0), [Field("SInt16", "data", step) for step in steps]),
                    Field("int", "m_Width", columns),
                    Field("int", "m_Height", rows),
                    _floats("Vector3f", "m_Scale", x=2.0, y=60.0, z=2.0),
                ],
            ),
        ],
    )
    texture = Field(
        "Texture2D",
        "Base",
        [
            Field("int", "m_Width", 4),
            Field("int", "m_Height", 4),
            Field("int", "m_TextureFormat", 5),
            Field("TypelessData", "image data", weights.tobytes()),
        ],
    )
    return serialised_file(
        [(28, 77, texture), (156, 15600000, terrain)], [guid_of(p) for p in (GRASS, NORMALS, TUFT, TREE)]
    )


def _plants() -> list[Field]:
    position = _floats("Vector3f", "position", x=0.25, y=0.0, z=0.5)
    tint = Field("ColorRGBA", "color", [Field("unsigned int", "rgba", 0xFF0000FF)])
    scales = [Field("float", "widthScale", 1.0), Field("float", "heightScale", 2.0)]
    tree = Field("TreeInstance", "data", [position, *scales, tint, Field("int", "index", 0)])
    prototype = Field("TreePrototype", "data", [_reference("prefab", 4, 100016)])
    sizes = {"minWidth": 1.0, "maxWidth": 2.0, "minHeight": 1.0, "maxHeight": 1.0}
    tuft = Field(
        "DetailPrototype",
        "data",
        [
            _reference("prototypeTexture", 3, 2800000),
            *(Field("float", name, value) for name, value in sizes.items()),
            _floats("ColorRGBA", "healthyColor", r=0.8, g=0.8, b=0.8),
            _floats("ColorRGBA", "dryColor", r=0.2, g=0.2, b=0.2),
        ],
    )
    byte = Field("UInt8", "data", 0)

    def patch(layers: list[int], counts: list[int]) -> Field:
        lists = (("layerIndices", layers), ("numberOfObjects", counts))
        fields = [several(name, byte, [Field("UInt8", "data", value) for value in values]) for name, values in lists]
        return Field("DetailPatch", "data", fields)

    empty = patch([], [])
    return [
        several("m_Patches", empty, [empty, patch([0], [0, 3, 0, 0]), empty, empty]),
        several("m_DetailPrototypes", tuft, [tuft]),
        Field("int", "m_PatchCount", 2),
        Field("int", "m_PatchSamples", 2),
        several("m_TreeInstances", tree, [tree]),
        several("m_TreePrototypes", prototype, [prototype]),
    ]


def _splat(texture: int, normals: int) -> Field:
    tile = _floats("Vector2f", "tileSize", x=10.0, y=20.0)
    fields = [_reference("texture", texture, 2800000), _reference("normalMap", normals, 2800000), tile]
    return Field("SplatPrototype", "data", fields)


def _reference(name: str, file: int, path: int) -> Field:
    return Field("PPtr", name, [Field("int", "m_FileID", file), Field("int", "m_PathID", path)])


def _floats(kind: str, name: str, **values: float) -> Field:
    return Field(kind, name, [Field("float", part, value) for part, value in values.items()])
