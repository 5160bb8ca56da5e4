"""A `UnityScene` as an .npz file: its arrays, and a JSON text that says where each belongs. No pickle."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.unity import unity_scene
from simulator.unity.unity_scene import UnityScene

CLASSES: dict[str, Any] = {name: kind for name, kind in vars(unity_scene).items() if is_dataclass(kind)}
STRUCTURE = "structure"


def write_scene_file(scene: UnityScene, file: Path) -> None:
    """Write the scene. Raises OSError."""
    arrays: dict[str, Any] = {}
    numbers: dict[int, str] = {}

    def pack(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if id(value) not in numbers:  # materials share pictures
                numbers[id(value)] = str(len(arrays))
                arrays[numbers[id(value)]] = value
            return {"array": numbers[id(value)]}
        if is_dataclass(value):
            return {type(value).__name__: {part.name: pack(getattr(value, part.name)) for part in fields(value)}}
        if isinstance(value, tuple):
            return [pack(item) for item in value]
        if isinstance(value, dict):
            return {"dict": {key: pack(item) for key, item in value.items()}}
        return value

    arrays[STRUCTURE] = np.frombuffer(json.dumps(pack(scene)).encode(), np.uint8)
    with open(file, "wb") as stream:
        np.savez(stream, **arrays)


def read_scene_file(file: Path) -> UnityScene:
    """Read what `write_scene_file` wrote. Raises OSError, zipfile.BadZipFile, and DAMAGE of files/errors.py."""
    with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    for array in arrays.values():
        array.flags.writeable = False  # shared by all who draw it

    def unpack(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(unpack(item) for item in value)
        if not isinstance(value, dict):
            return value
        ((kind, parts),) = value.items()
        if kind == "array":
            return arrays[parts]
        content = {name: unpack(item) for name, item in parts.items()}
        return content if kind == "dict" else CLASSES[kind](**content)

    scene = unpack(json.loads(arrays[STRUCTURE].tobytes()))
    if not isinstance(scene, UnityScene):
        raise ValueError(f"{file} holds no scene")
    return scene
