"""Reads groups, names and texts from an HDF5 file that nobody trusts.

HDF5 can refer to other files by links. Only what the file itself contains is reached here, and every list has a limit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from models.keras_files.file_kinds import ModelFileError

MAX_NAMES = 2000
MAX_NAME_BYTES = 1000


def require_child(group: Any, name: str, path: Path) -> Any:
    """The object at `name`, by hard links only. Raises ModelFileError if there is none."""
    child = child_of(group, name, path)
    if child is None:
        raise ModelFileError(f"{path} is incomplete: it names {name!r} but does not contain it")
    return child


def text_attribute(attributes: Any, name: str, limit: int) -> str | None:
    """A text attribute of at most `limit` bytes, or None. Raises ModelFileError for any other attribute."""
    if name not in attributes:
        return None
    identifier = attributes.get_id(name)
    if identifier.shape != () or h5py.check_string_dtype(identifier.dtype) is None:
        raise ModelFileError(f"the attribute {name!r} is not a text")
    value = attributes[name]
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    if len(data) > limit:
        raise ModelFileError(f"the attribute {name!r} is longer than {limit:,} bytes")
    return data.decode("utf-8", "replace")


def names_attribute(attributes: Any, name: str, path: Path) -> list[str]:
    """A list attribute; Keras splits one of more than 64 kB into `name0`, `name1`, ..."""
    if name in attributes:
        return _names_part(attributes, name, path)
    names: list[str] = []
    while (part := f"{name}{len(names)}") in attributes and len(names) < MAX_NAMES:
        names.append(part)
    return [item for part in names for item in _names_part(attributes, part, path)]


def _names_part(attributes: Any, name: str, path: Path) -> list[str]:
    identifier = attributes.get_id(name)
    shape = identifier.shape
    if shape in ((0,), ()) or len(shape) != 1 or shape[0] > MAX_NAMES:
        if shape == (0,):
            return []
        raise ModelFileError(f"{path}: {name!r} is not a list of at most {MAX_NAMES} names")
    if h5py.check_string_dtype(identifier.dtype) is None:
        raise ModelFileError(f"{path}: {name!r} is not a list of names")
    values = [item if isinstance(item, bytes) else str(item).encode() for item in attributes[name]]
    if any(not 0 < len(value) <= MAX_NAME_BYTES for value in values):
        raise ModelFileError(f"{path}: {name!r} holds an empty or overlong name")
    return [value.decode("utf-8", "replace") for value in values]


def count_attribute(attributes: Any, name: str, path: Path) -> int:
    identifier = attributes.get_id(name) if name in attributes else None
    if identifier is None or identifier.shape != () or identifier.dtype.kind not in "iu":
        raise ModelFileError(f"{path}: {name!r} is not a number")
    count = int(attributes[name])
    if not 0 <= count <= MAX_NAMES:
        raise ModelFileError(f"{path}: {name!r} is {count}; at most {MAX_NAMES} are read")
    return count


def child_of(group: Any, name: str, path: Path) -> Any:
    """The object at `name`, which may contain slashes, by hard links only; None if there is none."""
    for part in name.strip("/").split("/"):
        if not isinstance(group, h5py.Group) or part in ("", ".", "..") or part not in group.keys():  # noqa: SIM118
            return None
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ModelFileError(f"{path}: {name!r} is a link; only weights in the file itself are read")
        group = group[part]
    return group


def keys_of(group: Any, path: Path) -> list[str]:
    if not isinstance(group, h5py.Group) or len(group) > MAX_NAMES:
        raise ModelFileError(f"{path} holds no weights of a Keras model")
    return list(group.keys())
