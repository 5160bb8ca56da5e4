"""FBX 6 files in ASCII, as Blender writes them: the same tree as `fbx_nodes` makes of binary files."""

from __future__ import annotations

import re
from typing import Any

from simulator.unity.files.errors import FormatError
from simulator.unity.files.fbx_nodes import DEEPEST, MAGIC, FbxNode, binary_fbx

NODE = re.compile(r"([A-Za-z_][\w ]*):(.*)", re.DOTALL)
VALUE = re.compile(r'"([^"]*)"|([^,\s"][^,"]*)')


def read_fbx(data: bytes) -> FbxNode:
    """The root of a binary or ASCII file's tree. Raises as `binary_fbx` and `text_fbx` do."""
    return binary_fbx(data) if data.startswith(MAGIC) else text_fbx(data)


def text_fbx(data: bytes) -> FbxNode:
    """The root of an ASCII file's tree. Raises FormatError, ValueError."""
    if not data.lstrip().startswith(b"; FBX 6"):
        raise FormatError("is no FBX 6 file: it begins with neither the binary mark nor `; FBX 6`")
    path = [FbxNode("")]
    pieces: list[str] = []  # the values of the newest node, which may go on over many lines
    for line in map(str.strip, data.decode("latin1").splitlines()):
        if not line or line.startswith(";"):
            continue
        start = NODE.fullmatch(line)
        if line == "}" or start:
            _take_values(path, pieces)
        if line == "}":
            if len(path) < 2:
                raise ValueError("closes more braces than it opens")
            path.pop()
        elif start:
            node = FbxNode(start[1])
            path[-1].children.append(node)
            content = start[2].rstrip()
            if content.endswith("{"):
                node.values = _values(content[:-1])
                path.append(node)
            else:
                pieces.append(content)
        else:
            pieces.append(line)
        if len(path) > DEEPEST:
            raise FormatError(f"nests its nodes deeper than {DEEPEST}")
    _take_values(path, pieces)
    if len(path) > 1:
        raise ValueError(f"ends inside of {path[-1].name}")
    return path[0]


def _take_values(path: list[FbxNode], pieces: list[str]) -> None:
    if pieces and path[-1].children:
        path[-1].children[-1].values = _values(" ".join(pieces))
    pieces.clear()


def _values(text: str) -> list[Any]:
    return [match[1] if match[1] is not None else _number(match[2].strip()) for match in VALUE.finditer(text)]


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
