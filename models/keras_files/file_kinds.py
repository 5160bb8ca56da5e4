"""Recognises model files by their first bytes and names, and says of every other file what it is and how to go on.

Every command that takes a model asks here first, so a wrong file costs no import of TensorFlow. Files that are programs
(pickles, TensorFlow graphs) are refused with the command that exports them as data.
"""

from __future__ import annotations

import json
import zipfile
from itertools import islice
from pathlib import Path
from typing import Literal

from models.converted import repeats_a_model

MODEL_SUFFIXES = (".h5", ".keras", ".tflite", ".onnx")
MAX_FILE_BYTES = 1 << 30
MAX_JSON_BYTES = 8 << 20
"""For comparison, the architecture of ResNet-152 has 0.3 MB."""

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
ZIP_SIGNATURE = b"PK\x03\x04"
LITERT_SIGNATURE = b"TFL3"
"""Bytes 4 to 8 of a LiteRT (TFLite) file."""

ModelKind = Literal["keras", "litert", "onnx"]

ONNX_EXPORT = "export it with `torch.onnx.export(model, torch.zeros(1, 3, ROWS, COLUMNS), 'model.onnx')`"
KERAS_EXPORT = "in the program that wrote it, save the network with `model.save('model.keras')`"
TORCH = f"is a PyTorch file: loading it can run any code, so it is never loaded; {ONNX_EXPORT}"
PICKLE = f"is a Python pickle: loading it can run any code, so it is never loaded; {KERAS_EXPORT}"
CHECKPOINT = f"belongs to a TensorFlow checkpoint, which holds weights without their network; {KERAS_EXPORT}"
GRAPH = f"is a TensorFlow graph, which may read and write files, so it is never loaded; {KERAS_EXPORT}"
SAVED_MODEL = (
    "is a TensorFlow SavedModel, whose graph may read and write files, so it is never loaded; if you trust it, write "
    "the bytes of `tf.lite.TFLiteConverter.from_saved_model(FOLDER).convert()` to model.tflite"
)
ARCHIVE = "is a packed archive; unpack it"

BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "is only a Git LFS pointer; fetch the file itself with `git lfs pull`"),
    (b"\x89PNG", "is an image"),
    (b"\xff\xd8\xff", "is an image"),
    (b"GIF8", "is an image"),
    (b"%PDF", "is a PDF document"),
    (b"\x1f\x8b", ARCHIVE),
    (b"7z\xbc\xaf", ARCHIVE),
    (b"Rar!", ARCHIVE),
    (b"\x93NUMPY", "is an array of NumPy, without a network"),
    (b"<!doctype html", "is a web page; download the file itself"),
    (b"<html", "is a web page; download the file itself"),
    *((b"\x80" + bytes([protocol]), PICKLE) for protocol in range(2, 6)),
)
SUFFIXES = {
    **dict.fromkeys((".pth", ".pt"), TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".p", ".sav", ".joblib"), PICKLE),
    **dict.fromkeys((".ckpt", ".index", ".meta"), CHECKPOINT),
    **dict.fromkeys((".pb", ".pbtxt"), GRAPH),
    ".csv": "is a table, such as the log of a recording",
    ".ipynb": "is a notebook",
    **dict.fromkeys((".md", ".rst", ".txt"), "is a text"),
    ".py": "is a Python program",
    ".safetensors": f"holds weights without their network; {ONNX_EXPORT}",
    ".tflite": "has the name of a LiteRT file but does not begin like one: it is damaged, or something else",
    **dict.fromkeys((".h5", ".hdf5"), "has the name of a Keras file but does not begin like one: it is damaged"),
    ".keras": "has the name of a Keras file but does not begin like one: it is damaged",
}
READABLE = "models are .h5, .keras, .tflite and .onnx files, and a .json with its .h5"
MAX_NAMES, MAX_ENTRIES = 8, 2000


class ModelFileError(ValueError):
    """A model file that cannot be used; the message tells the user why."""


def model_kind(path: Path) -> ModelKind:
    """The kind of a model file, by its content; a .onnx file, which has no signature, by its name.

    Raises ModelFileError for what is no model file, with one line that says what it is and which models lie near it.
    """
    if not path.exists():
        index = path.with_name(f"{path.name}.index")
        raise _refusal(path, CHECKPOINT) if index.is_file() else _refusal(path, "", f"no such model: {path}")
    if path.is_dir():
        raise _folder_refusal(path)
    if not path.is_file():
        raise _refusal(path, "is no regular file")
    beginning, size = _beginning(path)
    if size > MAX_FILE_BYTES:
        raise ModelFileError(f"{path} has {size:,} bytes; at most {MAX_FILE_BYTES:,} are read")
    if beginning.startswith(HDF5_SIGNATURE):
        return "keras"
    if beginning[4:8] == LITERT_SIGNATURE:
        return "litert"
    if beginning.startswith(ZIP_SIGNATURE):
        return _kind_of_zip(path)
    suffix = path.suffix.lower()
    if beginning.lstrip()[:1] in (b"{", b'"'):
        return _kind_of_json(path)
    reason = next((text for start, text in BEGINNINGS if beginning.lower().startswith(start.lower())), None)
    if not beginning:
        reason = "is empty"
    elif reason is PICKLE and suffix in (".pth", ".pt"):
        reason = TORCH
    if reason is None and suffix == ".onnx":
        return "onnx"
    is_shard = ".data-" in path.name or path.name == "checkpoint"
    raise _refusal(path, reason or (CHECKPOINT if is_shard else SUFFIXES.get(suffix, "is no model file")))


def _beginning(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            return file.read(64), path.stat().st_size
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}") from error


def _kind_of_zip(path: Path) -> ModelKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "keras"  # whose reader says how it is damaged
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        raise _refusal(path, TORCH)
    if any(name.endswith(".npy") for name in names):
        raise _refusal(path, "holds arrays of NumPy, without a network")
    if path.suffix.lower() == ".keras" or "config.json" in names:
        return "keras"
    raise _refusal(path, ARCHIVE)


def _kind_of_json(path: Path) -> ModelKind:
    """Raises ModelFileError for the card of a model and for JSON without a network."""
    with path.open("rb") as file:
        text = file.read(MAX_JSON_BYTES + 1)
    suffix = path.suffix.lower()
    try:
        content = json.loads(text) if len(text) <= MAX_JSON_BYTES else None
    except (ValueError, RecursionError):
        if suffix in SUFFIXES:  # a Python program may begin with a quotation mark
            raise _refusal(path, SUFFIXES[suffix]) from None
        return "keras"  # whose reader says what is wrong with it
    if isinstance(content, dict) and "class_name" not in content and "config" not in content:
        is_card = {"format", "golden", "sha256"} <= set(content)
        no_network = SUFFIXES.get(suffix, "is JSON without a network")
        raise _refusal(path, "is the card of a model, not the model" if is_card else no_network)
    return "keras"


def _folder_refusal(folder: Path) -> ModelFileError:
    if (folder / "saved_model.pb").exists() or (folder / "saved_model.pbtxt").exists():
        return _refusal(folder, SAVED_MODEL.replace("FOLDER", repr(str(folder))))
    if (folder / "driving_log.csv").exists():
        return _refusal(folder, "is a recording, not a model")
    return _refusal(folder, "is a folder, not a model file")


def _refusal(path: Path, reason: str, whole: str = "") -> ModelFileError:
    """The error with the names of the models near `path`. whole: replaces the path and the reason."""
    folder = path if path.is_dir() else path.parent
    names = [name for name in models_near(folder) if folder / name != path]
    advice = f"; models near it: {', '.join(names)}" if names else "" if ";" in reason else f"; {READABLE}"
    return ModelFileError(f"{whole or f'{path} {reason}'}{advice}")


def models_near(folder: Path) -> list[str]:
    """The first names of model files in a folder and in the folders inside it, relative to it, sorted."""
    try:
        entries = list(islice(folder.iterdir(), MAX_ENTRIES))
        inside = list(islice((file for entry in entries if entry.is_dir() for file in entry.iterdir()), MAX_ENTRIES))
    except OSError:
        return []
    files = (file for file in entries + inside if file.suffix.lower() in MODEL_SUFFIXES and file.is_file())
    files = (file for file in files if not repeats_a_model(file))
    names = sorted((len(name.parts), str(name)) for name in (file.relative_to(folder) for file in files))
    return [name for _, name in names[:MAX_NAMES]]
