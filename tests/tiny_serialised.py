"""Writes serialised objects of Unity 5.5 with their type trees."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from simulator.unity.files.serialised import ALIGNED, BUILT_IN, BUILT_IN_NAMES

ALIGNMENT = 4


@dataclass
class Field:
    """A field of a serialised object. content: a number, text, bytes, fields, or a list of `Field`s like `sample`."""

    kind: str
    name: str
    content: Any
    sample: Field | None = None


def several(name: str, sample: Field, items: list[Field]) -> Field:
    """A list of fields like `sample`."""
    return Field("vector", name, items, sample)


def serialised_file(objects: list[tuple[int, int, Field]], guids: list[str]) -> bytes:
    """Serialised objects of Unity 5.5. objects: class ID, path ID, fields; guids: of the files they refer to."""
    types, table, data = b"", b"", bytearray()
    for number, (class_id, path_id, fields) in enumerate(objects):
        data += bytes(-len(data) % 8)
        content = _content(fields)
        table += struct.pack("<qIIi", path_id, len(data), len(content), number)
        data += content
        types += struct.pack("<i?h", class_id, False, -1) + bytes(16) + _type_tree(fields)
    head = b"5.5.1f1\0" + struct.pack("<i?i", -2, True, len(objects)) + types + struct.pack("<i", len(objects))
    head += bytes(-(20 + len(head)) % ALIGNMENT) + table + struct.pack("<i", 0) + struct.pack("<i", len(guids))
    for guid in guids:
        swapped = bytes(int(guid[at + 1] + guid[at], 16) for at in range(0, 32, 2))
        head += b"\0" + swapped + struct.pack("<i", 0) + b"\0"
    head += b"\0"
    start = (20 + len(head) + 15) // 16 * 16
    header = struct.pack(">IIII", len(head), start + len(data), 17, start) + bytes(4)
    return (header + head).ljust(start, b"\0") + bytes(data)


def _content(part: Field) -> bytes:
    value = part.content
    if part.kind == "string":
        encoded = value.encode()
        return (struct.pack("<i", len(encoded)) + encoded).ljust(4 + (len(encoded) + 3) // 4 * 4, b"\0")
    if part.kind == "TypelessData":
        return struct.pack("<i", len(value)) + value
    if part.sample is not None:
        return struct.pack("<i", len(value)) + b"".join(map(_content, value))
    if isinstance(value, list):
        return b"".join(map(_content, value))
    return struct.pack(
        {"int": "<i", "SInt16": "<h", "UInt8": "<B", "float": "<f", "unsigned int": "<I"}[part.kind], value
    )


def _type_tree(fields: Field) -> bytes:
    rows: list[tuple[int, bool, str, str, int]] = []

    def describe(part: Field, level: int) -> None:
        rows.append((level, part.kind == "TypelessData", part.kind, part.name, 0))
        if part.kind in {"string", "TypelessData"} or part.sample is not None:
            if part.kind != "TypelessData":
                level += 1
                rows.append((level, True, "Array", "Array", ALIGNED if part.kind == "string" else 0))
            rows.append((level + 1, False, "int", "size", 0))
            letter = "char" if part.kind == "string" else "UInt8"
            describe(part.sample or Field(letter, "data", 0), level + 1)
        elif isinstance(part.content, list):
            for child in part.content:
                describe(child, level + 1)

    describe(fields, 0)
    texts, offsets = b"", {name: BUILT_IN | place for place, name in BUILT_IN_NAMES.items()}
    for text in {text for row in rows for text in row[2:4]} - offsets.keys():
        offsets[text] = len(texts)
        texts += text.encode() + b"\0"
    nodes = b"".join(
        struct.pack("<HBBIIiii", 1, level, is_array, offsets[kind], offsets[name], -1, index, flags)
        for index, (level, is_array, kind, name, flags) in enumerate(rows)
    )
    return struct.pack("<ii", len(rows), len(texts)) + nodes + texts
