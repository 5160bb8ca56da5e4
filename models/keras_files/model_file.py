"""Reads a model file of Keras 1, 2 or 3: its architecture as plain JSON and its weights as arrays.

Model files come from the internet and are not trusted. Keras' own readers create objects by the names in a file. Here
the architecture stays data until `building` has checked each layer, and no code from the file runs.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from models.keras_files.file_kinds import HDF5_SIGNATURE, MAX_FILE_BYTES, ZIP_SIGNATURE, model_kind
from models.keras_files.file_kinds import MAX_JSON_BYTES as MAX_ARCHITECTURE_BYTES
from models.keras_files.weights import ModelFileError, WeightFile, text_attribute


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The architecture and the weights of a model, while its file is open.

    architecture: the parsed JSON object. keras_version: from the file, or "". parts: the files read.
    """

    architecture: dict[str, Any]
    weights: WeightFile
    keras_version: str
    parts: tuple[Path, ...]


@contextmanager
def open_model_file(path: Path) -> Iterator[ModelFile]:
    """Open a .h5, a .keras, or either half of a .json + .h5 pair, distinguished by content, not by suffix.

    Raises ModelFileError if the file is not a model file, is damaged, or lacks its other half.
    """
    if model_kind(path) != "keras":
        raise ModelFileError(f"{path} is a {path.suffix} file; its network cannot be read layer by layer")
    with path.open("rb") as file:
        signature = file.read(len(HDF5_SIGNATURE))
    if signature.startswith(HDF5_SIGNATURE):
        with WeightFile.open(path) as weights:
            yield _from_hdf5(path, weights)
    elif signature.startswith(ZIP_SIGNATURE):
        with _open_archive(path) as model_file:
            yield model_file
    else:
        weights_path = _find_weights(path)
        with WeightFile.open(weights_path) as weights:
            yield _pair(path, weights_path, weights)


def _from_hdf5(path: Path, weights: WeightFile) -> ModelFile:
    """Read a complete model, or weights whose architecture is a .json file in the same folder."""
    text = text_attribute(weights.file.attrs, "model_config", MAX_ARCHITECTURE_BYTES)
    if text is None:
        return _pair(_find_architecture(path), path, weights)
    architecture = parse_architecture(text, path)
    return ModelFile(architecture, weights, _version(architecture, weights), (path,))


def _pair(json_path: Path, weights_path: Path, weights: WeightFile) -> ModelFile:
    with json_path.open("rb") as file:
        text = file.read(MAX_ARCHITECTURE_BYTES + 1)
    architecture = parse_architecture(text, json_path)
    return ModelFile(architecture, weights, _version(architecture, weights), (json_path, weights_path))


def _version(architecture: dict[str, Any], weights: WeightFile) -> str:
    """The Keras version from the architecture or the weights; in files of Keras 1 one of them often lacks it."""
    version = architecture.get("keras_version")
    return version if isinstance(version, str) else weights.keras_version


def parse_architecture(text: str | bytes, path: Path) -> dict[str, Any]:
    """Parse JSON text; a JSON string of JSON, which `json.dump(model.to_json())` writes by mistake, is unwrapped."""
    if len(text) > MAX_ARCHITECTURE_BYTES:
        raise ModelFileError(f"{path}: the architecture is longer than {MAX_ARCHITECTURE_BYTES:,} bytes")
    try:
        architecture = json.loads(text)
        if isinstance(architecture, str):
            architecture = json.loads(architecture)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: the architecture is not valid JSON ({error})") from error
    if not isinstance(architecture, dict):
        raise ModelFileError(f"{path}: the architecture is not a JSON object")
    return architecture


def _find_weights(json_path: Path) -> Path:
    stem = json_path.with_suffix("")
    names = [f"{stem.name}.h5", f"{stem.name}.weights.h5", f"{stem.name}_weights.h5", "weights.h5"]
    return _first_existing(json_path, names, "the .h5 file with its weights is missing")


def _find_architecture(weights_path: Path) -> Path:
    stem = weights_path.name.removesuffix(".h5").removesuffix(".hdf5")
    names = [f"{name}.json" for name in (stem, stem.removesuffix(".weights").removesuffix("_weights"), "model")]
    return _first_existing(weights_path, names, "it holds only weights, without a .json for their architecture")


def _first_existing(path: Path, names: list[str], problem: str) -> Path:
    for name in names:
        if (candidate := path.parent / name).is_file():
            return candidate
    candidates = ", ".join(dict.fromkeys(names))
    raise ModelFileError(f"{path}: {problem}: put it into the same folder under one of these names: {candidates}")


@contextmanager
def _open_archive(path: Path) -> Iterator[ModelFile]:
    """Open a .keras file, which is a zip of config.json, metadata.json and model.weights.h5."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = _member(archive, "config.json", MAX_ARCHITECTURE_BYTES)
            metadata = _member(archive, "metadata.json", MAX_ARCHITECTURE_BYTES)
            content = _member(archive, "model.weights.h5", MAX_FILE_BYTES)
    except KeyError as error:
        raise ModelFileError(f"{path} is a zip file but not a .keras model: {error.args[0]}") from error
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ModelFileError(f"{path} is a damaged .keras file ({error})") from error
    version = parse_architecture(metadata, path).get("keras_version")
    with WeightFile.open(path, io.BytesIO(content)) as weights:
        architecture = parse_architecture(config, path)
        yield ModelFile(architecture, weights, version if isinstance(version, str) else "", (path,))


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read one member of a zip, at most `limit` bytes, because a zip may state a wrong size."""
    file: BinaryIO
    with archive.open(name) as file:  # type: ignore[assignment]
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ModelFileError(f"{archive.filename}: {name} unpacks to more than {limit:,} bytes")
    return content
