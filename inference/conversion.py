"""Converts a model file, or a preprocessing, into a LiteRT file once, and caches the result under its hash.

The conversion needs TensorFlow. It runs in a separate process, so that the server stays small and a hostile model file
can at worst fail its own conversion. Every later start uses the cached file and needs no TensorFlow.
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import hashlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from inference.child_process import run_module
from models.adapter.pixel_card import pixels_of
from models.converted import VERSION, origin_path
from models.keras_files.file_kinds import model_kind
from protocol.cache_folder import cache_folder, preferred_folder
from protocol.command_line import command_parser, run

log = logging.getLogger(__name__)

HELP = """Convert model files for LiteRT ahead of time, so that no start waits for it.

examples:
  python -m inference.conversion models/eff.h5 models/baseline.h5

The files go into the folder that STEERING_CACHE names, else into the user's cache folder."""

STEERING, SALIENCY, PREPARATION = "models.convert", "models.saliency", "models.preprocessing.preparation"
"""The converter modules: their files answer with steering, with a saliency map, and with a prepared frame."""

CONVERSION_VERSIONS = {STEERING: VERSION, SALIENCY: 2, PREPARATION: 1}
"""A version increases when its module changes what it makes from the same model."""

WITHOUT_TENSORFLOW = {
    STEERING: "must be converted, which needs TensorFlow: where that is installed, run "
    "`python -m models.convert MODEL.h5 MODEL.tflite` and copy MODEL.tflite and MODEL.tflite.json beside the model",
    SALIENCY: "can be marked only with TensorFlow: drive without marks",
    PREPARATION: "are pixels that need TensorFlow: let `python -m models.convert MODEL OUT.tflite --preprocess TEXT` "
    "build them into the file elsewhere",
}
"""What a user can do who has no TensorFlow, by converter; the name of what is converted goes before."""

CONVERSION_LIMIT_S = 180
"""A model takes 7 s; a corrupted .h5 can block HDF5 for ever."""

MAX_MODEL_BYTES = 1_000_000_000


class UnconvertibleModelError(ValueError):
    """A model file that cannot be converted; the message states the reason."""


def saliency_file(model: Path, preprocess: str | None = None) -> Path:
    """The LiteRT file that maps a frame to the saliency of `model`, from the cache or newly converted.

    preprocess: as in `litert_file`. Raises UnconvertibleModelError, ModelFileError, OSError.
    """
    if model_kind(model) != "keras":
        raise UnconvertibleModelError(
            f"{model.name} shows only its answer: saliency needs the network's layers, which a {model.suffix} file no "
            "longer has; drive with the .h5 or .keras file that it was made from"
        )
    return litert_file(model, preprocess, SALIENCY)[0]


def litert_file(model: Path, preprocess: str | None = None, converter: str = STEERING) -> tuple[Path, tuple[str, ...]]:
    """The LiteRT file of `model`, from the cache or newly converted, and the notes of its loading.

    preprocess: as `models.adapter.text` reads it; None leaves the choice to the pixel card or the loader.
    converter: STEERING or SALIENCY. Raises UnconvertibleModelError, OSError.
    """
    preprocess = pixels_of(model, preprocess)
    key = _key(model, preprocess, converter)

    def make(partial: Path) -> None:
        _convert(model, partial, preprocess, converter)
        if _key(model, preprocess, converter) != key:  # the file would be cached under another model's hash
            raise UnconvertibleModelError(f"{model} changed while it was converted; load it again")

    return _cached(key, make)


def preparation_file(preprocessing: str) -> Path:
    """The LiteRT file uint8 frame (1, 160, 320, 3) -> float32 pixels (1, rows, columns, channels).

    preprocessing: in normal form. Raises UnconvertibleModelError, OSError.
    """
    text = f"{PREPARATION} {CONVERSION_VERSIONS[PREPARATION]} {preprocessing}"
    key = hashlib.sha256(text.encode()).hexdigest()[:40]
    return _cached(key, lambda partial: _run(PREPARATION, [preprocessing, str(partial)], preprocessing))[0]


def _cached(key: str, make: Callable[[Path], None]) -> tuple[Path, tuple[str, ...]]:
    """The cached file of this key and its notes; if it is missing, `make` writes it, with its notes beside it."""
    file = _cache_file(key)
    if not _is_complete(file):
        partial = file.with_name(f"{key}.{os.getpid()}.{threading.get_ident()}.tflite")
        try:
            make(partial)
            os.replace(origin_path(partial), origin_path(file))
            os.replace(partial, file)
        finally:
            partial.unlink(missing_ok=True)
            origin_path(partial).unlink(missing_ok=True)
    notes = json.loads(origin_path(file).read_text(encoding="utf-8"))["notes"]
    return file, tuple(str(note) for note in notes)


def is_converted(model: Path, preprocess: str | None = None) -> bool:
    """Whether the cache holds the LiteRT file of `model`. preprocess: as in `litert_file`. Raises as it does."""
    return _is_complete(_cache_file(_key(model, pixels_of(model, preprocess), STEERING)))


def _cache_file(key: str) -> Path:
    """The file of this key: in the preferred folder, which may be a container's read-only one, else where to write."""
    file = preferred_folder() / f"{key}.tflite"
    return file if _is_complete(file) else cache_folder() / file.name


def _is_complete(file: Path) -> bool:
    return file.is_file() and origin_path(file).is_file()


def _key(model: Path, preprocess: str | None, converter: str) -> str:
    """The hash of all that a conversion depends on: model file, companion files, preprocessing, converter version."""
    digest = hashlib.sha256(f"{converter} {CONVERSION_VERSIONS[converter]} {preprocess} {model.suffix}".encode())
    for part in (model, *_companions(model)):
        if part.stat().st_size > MAX_MODEL_BYTES:
            raise UnconvertibleModelError(
                f"{part} is larger than {MAX_MODEL_BYTES // 1_000_000} MB; is it a steering model?"
            )
        digest.update(part.read_bytes())
    return digest.hexdigest()[:40]


def _companions(model: Path) -> list[Path]:
    """Files beside the model that may hold its other half, the architecture (.json) or the weights (.h5)."""
    stems = (model.stem, "model", "weights", "model_weights")
    names = {f"{stem}{suffix}" for stem in stems for suffix in (".json", ".h5", ".weights.h5")}
    return [path for name in sorted(names - {model.name}) if (path := model.parent / name).is_file()]


def _convert(model: Path, file: Path, preprocess: str | None, converter: str) -> None:
    pixel_arguments = ["--preprocess", preprocess] if preprocess else []
    _run(converter, [str(model.resolve()), str(file), *pixel_arguments], str(model))


def _run(converter: str, arguments: list[str], name: str) -> None:
    """Run a converter in a process of its own. arguments: source, target, options. name: the source's, for the user."""
    if importlib.util.find_spec("tensorflow") is None:
        raise UnconvertibleModelError(f"{name} {WITHOUT_TENSORFLOW[converter]}, or `pip install -r requirements.txt`")
    log.info("converting %s for LiteRT, once; the result is cached in %s", name, Path(arguments[1]).parent)
    if log.isEnabledFor(logging.DEBUG):
        arguments = [*arguments, "--verbose"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    try:
        process = run_module(converter, arguments, CONVERSION_LIMIT_S, environment=environment)
    except subprocess.TimeoutExpired:
        raise UnconvertibleModelError(f"converting {name} took more than {CONVERSION_LIMIT_S} s") from None
    if process.returncode:
        errors = process.stderr.decode(errors="replace")
        log.debug("converting %s failed:\n%s", name, errors)
        lines = [line for line in errors.splitlines() if line.strip()]
        raise UnconvertibleModelError(
            lines[-1] if lines else f"converting {name} failed with exit code {process.returncode}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert models ahead of time; returns the exit code."""
    parser = command_parser("python -m inference.conversion", HELP)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="model files")
    return run(lambda: _convert_all(parser.parse_args(arguments).models), "conversion")


def _convert_all(models: Sequence[Path]) -> None:
    for model in models:
        model_kind(model)
        file, notes = litert_file(model)
        print(f"{model}: {file}", saliency_file(model), *notes, sep="\n  ")


if __name__ == "__main__":
    sys.exit(main())
