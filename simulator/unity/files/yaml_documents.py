"""Scenes, prefabs, materials and .meta files: YAML documents with Unity's headers, `--- !u!CLASS &ID`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from simulator.unity.files.errors import FormatError

Fields = dict[str, Any]

HEADER = re.compile(r"^--- !u!\d+ &(-?\d{1,20})( stripped)?[ \r]*$", re.MULTILINE)
MOST_DOCUMENTS = 100_000


@dataclass(slots=True)
class Document:
    """An object of a scene or prefab. kind: Unity's class, as `Transform`; stripped: only a link into an instance."""

    kind: str
    fields: Fields
    stripped: bool = False


def yaml_documents(text: str) -> dict[int, Document]:
    """The objects of a scene, prefab or material by their file IDs.

    Raises yaml.YAMLError, FormatError; and whatever a document that is no mapping makes its reader raise.
    """
    headers = list(HEADER.finditer(text))
    if not headers:
        raise FormatError("has no header of a Unity object (`--- !u!`): binary, or no scene")
    if len(headers) > MOST_DOCUMENTS:
        raise FormatError(f"has {len(headers)} objects, more than {MOST_DOCUMENTS}")
    ends = [header.start() for header in headers[1:]] + [len(text)]
    documents = {}
    for header, end in zip(headers, ends, strict=True):
        content = mapping(text[header.end() : end])
        if content:
            kind, fields = next(iter(content.items()))
            documents[int(header[1])] = Document(str(kind), fields or {}, header[2] is not None)
    return documents


def mapping(text: str) -> Fields:
    """One YAML document that is a mapping, or empty. Raises yaml.YAMLError, FormatError."""
    content = yaml.load(text, Loader=yaml.CSafeLoader) or {}
    if not isinstance(content, dict):
        raise FormatError(f"holds no named fields but {type(content).__name__}")
    return content
