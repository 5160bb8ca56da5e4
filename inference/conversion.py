"""Model file -> LiteRT file, converted once and kept by the model's hash.

Converting takes TensorFlow: ten seconds and 600 MB. It happens in a process of its own, so that the server stays small
and a hostile model file can at worst fail its own conversion; every later start finds the result and needs no
TensorFlow at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import platformdirs

log = logging.getLogger(__name__)

STEERING, SALIENCY = "models.convert", "models.saliency"
"""The modules that convert, by what their file answers a frame with."""

CONVERSION_VERSIONS = {STEERING: 1, SALIENCY: 1}
"""Each goes up when its module makes another file of the same model."""

CONVERSION_LIMIT_S = 180
"""A model takes 7 s; a corrupted .h5 can hold HDF5 for ever."""

MAX_MODEL_BYTES = 1_000_000_000
ROOT = Path(__file__).resolve().parent.parent


class ConversionError(ValueError):
    """A model file that cannot be converted; says why."""


def saliency_file(model: Path, preprocess: str | None = None) -> Path:
    """The LiteRT file that answers a frame with what `model` looks at, likewise. Raises ConversionError, OSError."""
    if model.suffix.lower() == ".tflite":
        raise ConversionError(
            f"{model.name} shows only its answer: what a network looks at is found in its layers, which a .tflite file "
            "no longer tells apart; drive with the .h5 or .keras file that it was made of"
        )
    return litert_file(model, preprocess, SALIENCY)[0]


def litert_file(model: Path, preprocess: str | None = None, converter: str = STEERING) -> tuple[Path, tuple[str, ...]]:
    """The LiteRT file of `model`, from the cache or made now, and the notes of its loading.

    preprocess: name of a preprocessing, or None to let the loader choose. converter: STEERING or SALIENCY.
    Raises ConversionError, OSError.
    """
    key = _key(model, preprocess, converter)
    file = _preferred_folder() / f"{key}.tflite"
    if not _is_whole(file):  # there it may lie though nobody can write there, as in a container
        file = _cache_folder() / file.name
    if not _is_whole(file):
        log.info("converting %s for LiteRT, once; the result is kept in %s", model.name, file.parent)
        made = file.with_name(f"{key}.{os.getpid()}.{threading.get_ident()}.tflite")
        try:
            _convert(model, made, preprocess, converter)
            if _key(model, preprocess, converter) != key:  # else it would be kept under another model's hash
                raise ConversionError(f"{model} changed while it was converted; load it again")
            os.replace(_notes_file(made), _notes_file(file))
            os.replace(made, file)
        finally:
            made.unlink(missing_ok=True)
            _notes_file(made).unlink(missing_ok=True)
    notes = json.loads(_notes_file(file).read_text(encoding="utf-8"))["notes"]
    return file, tuple(str(note) for note in notes)


def _notes_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _is_whole(file: Path) -> bool:
    return file.is_file() and _notes_file(file).is_file()


def _preferred_folder() -> Path:
    """STEERING_CACHE, else the system's place for caches."""
    return Path(os.environ.get("STEERING_CACHE") or platformdirs.user_cache_path("steering-models"))


def _cache_folder() -> Path:
    """The preferred folder, else (read-only home) one among the temporary files."""
    preferred = _preferred_folder()
    for folder in (preferred, Path(tempfile.gettempdir()) / "steering-models"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(f"no writable cache folder: neither {preferred} nor {tempfile.gettempdir()}; set STEERING_CACHE")


def _key(model: Path, preprocess: str | None, converter: str) -> str:
    """What the conversion depends on: the file, the architecture beside it (.json + .h5), preprocessing, converter."""
    digest = hashlib.sha256(f"{converter} {CONVERSION_VERSIONS[converter]} {preprocess} {model.suffix}".encode())
    for part in (model, *_companions(model)):
        if part.stat().st_size > MAX_MODEL_BYTES:
            raise ConversionError(f"{part} is larger than {MAX_MODEL_BYTES // 1_000_000} MB; is it a steering model?")
        digest.update(part.read_bytes())
    return digest.hexdigest()[:40]


def _companions(model: Path) -> list[Path]:
    """Files beside the model that may hold its other half: architecture (.json) or weights (.h5)."""
    stems = (model.stem, "model", "weights", "model_weights")
    names = {f"{stem}{suffix}" for stem in stems for suffix in (".json", ".h5", ".weights.h5")}
    return [path for name in sorted(names - {model.name}) if (path := model.parent / name).is_file()]


def _convert(model: Path, file: Path, preprocess: str | None, converter: str) -> None:
    command = [sys.executable, "-m", converter, str(model.resolve()), str(file)]
    if preprocess:
        command += ["--preprocess", preprocess]
    if log.isEnabledFor(logging.DEBUG):
        command.append("--verbose")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=CONVERSION_LIMIT_S, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        raise ConversionError(f"converting {model} took more than {CONVERSION_LIMIT_S} s") from None
    if done.returncode:
        log.debug("converting %s failed:\n%s", model, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ConversionError(lines[-1] if lines else f"converting {model} failed with exit code {done.returncode}")


def main() -> None:
    """Convert models ahead of time: `python -m inference.conversion MODEL...`."""
    for model in map(Path, sys.argv[1:]):
        file, notes = litert_file(model)
        print(f"{model}: {file}", saliency_file(model), *notes, sep="\n  ")


if __name__ == "__main__":
    main()
