"""Writes FBX 6.1 files, binary and ASCII, and a model for them."""

from __future__ import annotations

import struct
from typing import Any

from simulator.unity.files.fbx_nodes import MAGIC, FbxNode


def node(name: str, *values: Any, children: list[FbxNode] | None = None) -> FbxNode:
    """A node of an FBX tree."""
    return FbxNode(name, list(values), children or [])


def binary_fbx_file(root: FbxNode, version: int = 6100) -> bytes:
    """The tree as a binary file."""
    content = bytearray(MAGIC + struct.pack("<I", version))
    for child in root.children:
        _append_binary(content, child)
    return bytes(content + bytes(13))


def _append_binary(content: bytearray, part: FbxNode) -> None:
    start = len(content)
    values = b"".join(map(_binary_value, part.values))
    content += struct.pack("<IIIB", 0, len(part.values), len(values), len(part.name)) + part.name.encode() + values
    for child in part.children:
        _append_binary(content, child)
    if part.children:
        content += bytes(13)
    struct.pack_into("<I", content, start, len(content))


def _binary_value(value: Any) -> bytes:
    if isinstance(value, int):
        return b"I" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"D" + struct.pack("<d", value)
    encoded = str(value).encode()
    return b"S" + struct.pack("<I", len(encoded)) + encoded


def text_fbx_file(root: FbxNode) -> bytes:
    """The tree as an ASCII file, whose long lists go over several lines as Blender's do."""
    lines = ["; FBX 6.1.0 project file"]
    for child in root.children:
        _append_text(lines, child, "")
    return "\n".join(lines).encode()


def _append_text(lines: list[str], part: FbxNode, indent: str) -> None:
    values = [f'"{value}"' if isinstance(value, str) else f"{value}" for value in part.values]
    lines.append(f"{indent}{part.name}: {','.join(values[:8])}{' {' if part.children else ''}")
    lines.extend(f"{indent}\t,{','.join(values[at : at + 8])}" for at in range(8, len(values), 8))
    for child in part.children:
        _append_text(lines, child, indent + "\t")
    if part.children:
        lines.append(indent + "}")


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
