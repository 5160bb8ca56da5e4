"""The origin of a converted file, OUT.tflite.json beside it: from which model it was made, how, and how exactly.

A .tflite of the model's own name stands for that model where the hashes show that both belong together. So a computer
without TensorFlow drives `models/eff.h5` by `models/eff.tflite`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.whole_files import sha256, write_whole

VERSION = 3
"""Increases when `models.convert` makes another file of the same model."""

EXACT = "float32"
"""The weights' number format of a file that answers as its model does."""

MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Origin:
    """How a converted file was made.

    notes: of loading the model; source: its path; sources: hash of each file that was read, by name; sha256: hash of
    the converted file; preprocess: the text that the model was loaded with; weights: their number format; difference:
    the largest one of the answers; version: VERSION.
    """

    notes: tuple[str, ...]
    source: str
    sources: Mapping[str, str]
    sha256: str
    preprocess: str | None
    weights: str
    difference: float
    version: int = VERSION

    def write(self, out: Path) -> None:
        """Write OUT.tflite.json atomically."""
        write_whole(origin_path(out), (json.dumps(asdict(self), indent=2) + "\n").encode())


def origin_path(out: Path) -> Path:
    """The path OUT.tflite.json, because OUT.json is a model's card."""
    return out.with_name(f"{out.name}.json")


def stand_in(model: Path, preprocess: str | None = None) -> Path | None:
    """The .tflite of the model's name beside it, if it was made from this model with this text; else None.

    Only a file with weights in float32 stands for its model. Raises OSError when one of the files cannot be read.
    """
    file = model.with_suffix(".tflite")
    origin = _read(file)
    if origin is None or (origin["version"], origin["weights"]) != (VERSION, EXACT):
        return None
    if origin["preprocess"] != preprocess or origin["sha256"] != sha256(file):
        return None
    sources = {model.with_name(name): digest for name, digest in origin["sources"].items()}
    same = all(source.is_file() and sha256(source) == digest for source, digest in sources.items())
    return file if same and model.name in origin["sources"] else None


def source_sha256(file: Path) -> str | None:
    """The hash of the one model file that `file` was exactly converted from; None for any other file."""
    origin = _read(file)
    if origin is None or origin["weights"] != EXACT or len(origin["sources"]) != 1 or origin["sha256"] != sha256(file):
        return None
    return str(next(iter(origin["sources"].values())))


def repeats_a_model(file: Path) -> bool:
    """Whether a file is the conversion of a model beside it that has its name; a list of models then names it once."""
    if file.suffix != ".tflite" or not origin_path(file).is_file():
        return False
    return any(file.with_suffix(suffix).is_file() for suffix in (".h5", ".keras"))


def _read(file: Path) -> dict[str, Any] | None:
    """The fields of the origin beside `file`; None where there is no such file, or no origin that can be read."""
    path = origin_path(file)
    if not path.is_file() or not file.is_file() or path.stat().st_size > MAX_BYTES:
        return None
    try:
        origin = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    if not isinstance(origin, dict) or not set(Origin.__dataclass_fields__) <= set(origin):
        return None
    sources = origin["sources"]
    plain = isinstance(sources, dict) and all(Path(name).name == name for name in sources)
    return origin if plain else None
