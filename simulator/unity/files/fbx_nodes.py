"""FBX 6 files as trees of named values, from their binary form; `fbx_text` reads the form in ASCII.

Assimp takes no FBX 6.1, which the meshes of both tracks are: 3ds Max wrote the lake's, Blender the jungle's.
Format: the Blender foundation's description of binary FBX (code.blender.org, 2013), with 32-bit offsets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulator.unity.files.errors import FormatError

MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
DEEPEST = 32
SCALARS = {"Y": "<h", "C": "<?", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
UNIFORM = {ord(letter): np.dtype([("kind", "u1"), ("value", SCALARS[letter])]) for letter in "IFD"}
"""Long lists hold one kind of number, each after its letter: they are read at once."""


@dataclass(slots=True)
class FbxNode:
    """A node of the tree. values: numbers and texts, or an array of numbers."""

    name: str
    values: Sequence[Any] | np.ndarray = ()
    children: list[FbxNode] = field(default_factory=list)

    def child(self, name: str) -> FbxNode:
        """The first child of this name. Raises KeyError."""
        for node in self.children:
            if node.name == name:
                return node
        raise KeyError(f"{self.name or 'the file'} has no {name}")

    def has(self, name: str) -> bool:
        """Whether there is a child of this name."""
        return any(node.name == name for node in self.children)

    def text(self, name: str) -> str:
        """The first value of a child, as text. Raises KeyError, IndexError."""
        return str(self.child(name).values[0])


def binary_fbx(data: bytes) -> FbxNode:
    """The root of a binary file's tree. Raises FormatError, struct.error, ValueError, IndexError."""
    (version,) = struct.unpack_from("<I", data, len(MAGIC))
    if not 6000 <= version < 7000:
        raise FormatError(f"is FBX {version / 1000:g}, and only FBX 6 is read here")
    children, _ = _nodes(data, len(MAGIC) + 4, len(data), 0)
    return FbxNode("", children=children)


def _nodes(data: bytes, at: int, end: int, depth: int) -> tuple[list[FbxNode], int]:
    """The nodes from `at` to an empty one or to `end`, and the place behind them."""
    if depth > DEEPEST:
        raise FormatError(f"nests its nodes deeper than {DEEPEST}")
    nodes = []
    while at < end:
        node_end, count, size, name_size = struct.unpack_from("<IIIB", data, at)
        start = at
        at += 13
        if node_end == 0:
            break
        values_at = at + name_size
        if not start < values_at + size <= node_end <= end:
            raise ValueError(f"the node at byte {start} ends outside of its parent")
        node = FbxNode(data[at:values_at].decode("latin1"), _values(data, values_at, values_at + size, count))
        node.children, _ = _nodes(data, values_at + size, node_end, depth + 1)
        nodes.append(node)
        at = node_end
    return nodes, at


def _values(data: bytes, at: int, end: int, count: int) -> Sequence[Any] | np.ndarray:
    uniform = UNIFORM.get(data[at]) if count > 8 and at < end else None
    if uniform is not None and end - at == count * uniform.itemsize:
        pairs = np.frombuffer(data, uniform, count, at)
        if (pairs["kind"] == data[at]).all():
            return pairs["value"]
    values: list[Any] = []
    while at < end:
        letter = chr(data[at])
        at += 1
        if letter in SCALARS:
            values.extend(struct.unpack_from(SCALARS[letter], data, at))
            at += struct.calcsize(SCALARS[letter])
        elif letter in "SR":
            (size,) = struct.unpack_from("<I", data, at)
            at += 4 + size
            content = data[at - size : at]
            values.append(content if letter == "R" else content.decode("latin1"))
        else:
            raise ValueError(f"the value at byte {at - 1} has the unknown kind {letter!r}")
    if at != end or len(values) != count:
        raise ValueError(f"the values before byte {end} have another size than their node says")
    return values
