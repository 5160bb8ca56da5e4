"""Unity 5's serialised files (.asset): objects in binary form, read by the type trees that the file brings with it.

UnityPy reads them too, but a damaged file makes its parser in C end the whole process. Here every place and count is
checked against the file's size before anything is read or reserved.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from simulator.unity.files.errors import FormatError

VERSION = 17
"""The format of Unity 5.5, which saved Udacity's project."""

SCRIPT_CLASS = 114
NODE = np.dtype([
    ("version", "<u2"), ("level", "u1"), ("is_array", "u1"), ("kind", "<u4"), ("name", "<u4"), ("size", "<i4"),
    ("index", "<i4"), ("flags", "<u4"),
])  # fmt: skip
ALIGNED = 0x4000
"""The flag of a node after which the next one begins at a multiple of 4 bytes."""

BUILT_IN = 0x80000000
BUILT_IN_NAMES = {
    0: "AABB", 49: "Array", 55: "Base", 76: "bool", 81: "char", 86: "ColorRGBA", 106: "data", 161: "float", 222: "int",
    427: "m_Name", 434: "m_ObjectHideFlags", 452: "m_PrefabInternal", 469: "m_PrefabParentObject",
    564: "PPtr<GameObject>", 646: "PPtr<Prefab>", 702: "PPtr<Texture2D>", 795: "size", 800: "SInt16", 814: "SInt64",
    840: "string", 874: "Texture2D", 894: "TypelessData", 928: "UInt8", 934: "unsigned int", 981: "vector",
    988: "Vector2f", 997: "Vector3f", 1006: "Vector4f",
}  # fmt: skip
"""Names that the file leaves to the engine, by their place in the engine's table: those of terrains and textures."""

NUMBERS = {
    "bool": "?", "char": "u1", "UInt8": "u1", "SInt8": "i1", "SInt16": "<i2", "UInt16": "<u2", "int": "<i4",
    "unsigned int": "<u4", "SInt64": "<i8", "UInt64": "<u8", "float": "<f4", "double": "<f8",
}  # fmt: skip


class SerialisedObject(NamedTuple):
    """An object. class_id: Unity's number of its class; fields: lists of numbers are arrays, texts are bytes."""

    class_id: int
    fields: dict[str, Any]


class SerialisedFile(NamedTuple):
    """The objects of a file by their path IDs, and the GUIDs of the files that they refer to."""

    objects: dict[int, SerialisedObject]
    guids: list[str]

    def guid(self, reference: dict[str, Any]) -> str | None:
        """The GUID of the file that a reference means; None for none. Raises KeyError, IndexError."""
        number = int(reference["m_FileID"])
        return self.guids[number - 1] if number > 0 else None


@dataclass(slots=True)
class TypeNode:
    """A field of a type. least_size: in bytes, of its values."""

    kind: str
    name: str
    is_array: bool
    aligned: bool
    children: list[TypeNode] = field(default_factory=list)
    least_size: int = 0


class _Bytes:
    """A place in the file that moves on. Reading beyond the end raises ValueError or struct.error."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError(f"{size} bytes at byte {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def count(self, least_size: int) -> int:
        """A count of things of at least this size."""
        (count,) = self.unpack("<i")
        if not 0 <= count * least_size <= len(self.data) - self.at:
            raise ValueError(f"{count} things of {least_size} bytes before byte {self.at} of {len(self.data)}")
        return int(count)

    def text(self) -> bytes:
        return self.take(self.data.index(b"\0", self.at) + 1 - self.at)[:-1]

    def align(self) -> None:
        self.take(-self.at % 4)


def read_serialised(data: bytes) -> SerialisedFile:
    """All objects of a file. Raises FormatError, and errors as DAMAGE lists them for a damaged file."""
    if len(data) < 20 or int.from_bytes(data[4:8], "big") != len(data):
        raise FormatError("is no serialised file of Unity 5: its header names another size")
    _, _, version, start, big_endian = struct.unpack(">IIII?3x", data[:20])
    if version != VERSION or big_endian:
        raise FormatError(f"has Unity's serialised format {version}; only {VERSION}, of Unity 5.5, is read")
    head = _Bytes(data, 20)
    head.text()
    _, has_types = head.unpack("<i?")
    if not has_types:
        raise FormatError("leaves out the description of its fields")
    types = [_type(head) for _ in range(head.count(31))]
    objects, left = {}, len(data)
    for _ in range(head.count(20)):
        head.align()
        path_id, place, size, number = head.unpack("<qIIi")
        class_id, node = types[number]
        left -= size
        content = _Bytes(data[start + place : start + place + size])
        if left < 0 or node.least_size > len(content.data):
            raise ValueError(f"the object {path_id} ends behind the file")
        objects[int(path_id)] = SerialisedObject(class_id, _value(content, node))
    for _ in range(head.count(12)):
        head.unpack("<iq")
    guids = []
    for _ in range(head.count(22)):
        head.text()
        guids.append("".join(f"{byte & 15:x}{byte >> 4:x}" for byte in head.take(16)))  # .meta files swap the digits
        head.unpack("<i")
        head.text()
    return SerialisedFile(objects, guids)


def _type(head: _Bytes) -> tuple[int, TypeNode]:
    """A class ID and its tree of fields."""
    class_id, _, _ = head.unpack("<i?h")
    head.take(32 if class_id == SCRIPT_CLASS or class_id < 0 else 16)
    count = head.count(NODE.itemsize)
    (size,) = head.unpack("<i")
    rows = np.frombuffer(head.take(count * NODE.itemsize), NODE)
    names = head.take(size)
    path: list[TypeNode] = []
    for row in rows:
        kind, name = (_name(names, int(row[part])) for part in ("kind", "name"))
        node = TypeNode(kind, name, bool(row["is_array"]), bool(row["flags"] & ALIGNED))
        level = int(row["level"])
        if level > len(path) or (level == 0) != (not path):
            raise ValueError(f"the field {name} lies at level {level} below {len(path)} fields")
        if level:
            path[level - 1].children.append(node)
        path[level:] = [node]
    _measure(path[0])
    return class_id, path[0]


def _name(names: bytes, offset: int) -> str:
    if offset & BUILT_IN:
        return BUILT_IN_NAMES[offset & ~BUILT_IN]
    return names[offset : names.index(b"\0", offset)].decode("latin1")


def _measure(node: TypeNode) -> None:
    """Set the least sizes; no value may be of none, or a count of them would cost time without end."""
    for child in node.children:
        _measure(child)
    if node.is_array:
        if len(node.children) != 2:
            raise ValueError(f"the list {node.name} has {len(node.children)} parts")
        node.least_size = 4
    elif node.children:
        node.least_size = sum(child.least_size for child in node.children)
    else:
        node.least_size = np.dtype(NUMBERS[node.kind]).itemsize


def _value(content: _Bytes, node: TypeNode) -> Any:
    value: Any
    if node.is_array:
        element = node.children[1]
        count = content.count(element.least_size)
        if element.kind in NUMBERS:
            value = np.frombuffer(content.take(count * element.least_size), NUMBERS[element.kind])
        else:
            value = [_value(content, element) for _ in range(count)]
    elif len(node.children) == 1 and node.children[0].is_array:
        value = _value(content, node.children[0])
    elif node.children:
        value = {child.name: _value(content, child) for child in node.children}
    else:
        value = np.frombuffer(content.take(node.least_size), NUMBERS[node.kind])[0].item()
    if node.aligned:
        content.align()
    return value
