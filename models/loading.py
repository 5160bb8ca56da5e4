"""Loads any steering model file as a uniform model: a raw camera frame in, one steering value out.

Files come from three generations of Keras and have inputs of many sizes. The loader hides these differences from its
callers, and never runs code from a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras

from models.adapter import read_adapter
from models.answer import steering_of
from models.keras_files.architecture import Architecture, read_architecture
from models.keras_files.building import apply_layers, settings_of, weighted
from models.keras_files.lambdas import guess_normalisation
from models.keras_files.layer_settings import LayerSettings
from models.keras_files.model_file import ModelFile, open_model_file
from models.keras_files.weights import ModelFileError
from models.pixel_card import pixels_of
from models.preprocessing.likely import advice, likely
from models.preprocessing.written import Preprocessing, PreprocessingError, read_written
from protocol.messages import FRAME_SHAPE

__all__ = ["BareNetwork", "LoadedNetwork", "ModelFileError", "load_bare_network", "load_steering_model"]

SettingsByLayer = dict[str, LayerSettings]


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A model, uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), and notes for the user on the loader's choices."""

    model: keras.Model
    notes: tuple[str, ...]


def load_steering_model(path: Path, preprocess: str | None = None) -> LoadedNetwork:
    """Load a .h5 or .keras file, or either half of a .json + .h5 pair, of Keras 1, 2 or 3.

    preprocess: as `models.adapter` reads it; None takes the text of the pixel card beside the file, or selects the
    likely pixels for the input's shape and adds a note. The loader never runs a Lambda: a `preprocess` replaces the
    Lambdas before the first layer with weights.

    Raises ModelFileError with a one-line message if the file is not such a model, must not be loaded, or does not fit
    `preprocess`.
    """
    try:
        adapter = read_adapter(pixels_of(Path(path), preprocess))
    except PreprocessingError as error:
        raise ModelFileError(str(error)) from None
    with open_model_file(Path(path)) as file:
        architecture = read_architecture(file.architecture)
        settings = settings_of(architecture, file.keras_version)
        preprocessing, notes = _choose(architecture, settings, adapter.preprocessing)
        skipped, lambda_notes = _replace_lambdas(architecture, settings, adapter.preprocessing)
        frames = keras.Input(FRAME_SHAPE, dtype="uint8", name="frames")
        x = preprocessing(frames) if preprocessing else frames
        output = steering_of(apply_layers(x, architecture, settings, file.weights, skipped), adapter)
        return LoadedNetwork(keras.Model(frames, output), (*_origin_notes(file), *notes, *lambda_notes))


@dataclass(frozen=True, slots=True)
class BareNetwork:
    """A network without what prepares its pixels. model: float32 (n, *shape) -> its answers.

    scales_itself: whether its own layers scale the pixels. notes: for the user.
    """

    model: keras.Model
    shape: tuple[int, int, int]
    scales_itself: bool
    notes: tuple[str, ...]


def load_bare_network(path: Path) -> BareNetwork:
    """Load a file as `load_steering_model` does, to try pixels on it. Raises ModelFileError."""
    with open_model_file(Path(path)) as file:
        architecture = read_architecture(file.architecture)
        settings = settings_of(architecture, file.keras_version)
        if architecture.input_dtype == "uint8":
            raise ModelFileError("the model takes bytes and prepares them itself: there is nothing to find")
        rows, columns, channels = _input_shape(architecture, None)
        skipped, lambda_notes = _replace_lambdas(architecture, settings, read_written(""))
        pixels = keras.Input((rows, columns, channels), name="pixels")
        output = apply_layers(pixels, architecture, settings, file.weights, skipped)
        scales_itself = _scales_itself(architecture, settings)
        notes = (*_origin_notes(file), *lambda_notes)
        return BareNetwork(keras.Model(pixels, output), (rows, columns, channels), scales_itself, notes)


def _origin_notes(file: ModelFile) -> list[str]:
    """Notes on files that the loader combined or translated."""
    notes = []
    if len(file.parts) > 1:
        notes.append(f"architecture from {file.parts[0].name}, weights from {file.parts[1].name}")
    if not file.keras_version.startswith("3."):
        notes.append(f"translated from Keras {file.keras_version or 'of an unknown version'}, layer by layer")
    return notes


def _choose(
    architecture: Architecture, settings: SettingsByLayer, written: Preprocessing | None
) -> tuple[Preprocessing | None, list[str]]:
    """The preprocessing for the file's input, and notes on it; None for a file that takes raw frames."""
    shape = _input_shape(architecture, written)
    if architecture.input_dtype == "uint8":
        if shape == FRAME_SHAPE and written is None:
            return None, []
        raise ModelFileError(f"the model takes bytes of shape {shape} and prepares them itself: omit --preprocess")
    scales_itself = _scales_itself(architecture, settings)
    if written is None:
        _refuse_lambdas(shape, settings.values())
        guess = likely(shape, scales_itself)
        if guess is None:
            raise ModelFileError(f"nothing in the file says which pixels it wants: {advice(shape)}")
        preprocessing, notes = guess
    else:
        preprocessing, notes = written, []
    if preprocessing.output_shape != shape:
        raise ModelFileError(
            f"the preprocessing {preprocessing} makes {_size(preprocessing.output_shape)}, "
            f"the model takes {_size(shape)}: {advice(shape)}"
        )
    if scales_itself and preprocessing.scales:
        if preprocessing.short_form:
            preprocessing = preprocessing.without_scaling()
            notes.append("the file scales its pixels itself (Rescaling), so they are not scaled before")
        else:
            notes.append(
                "the file scales its pixels itself (Rescaling), and they are scaled before as well, as written"
            )
    return preprocessing, [f"pixels: {preprocessing}", *notes]


def _input_shape(architecture: Architecture, written: Preprocessing | None) -> tuple[int, ...]:
    """The file's input shape; the preprocessing or the camera fills in open sizes."""
    shape = architecture.input_shape
    if shape[-1] not in (1, 3):
        kind = "channels-first" if shape[0] in (1, 3) else "no single image"
        raise ModelFileError(f"the model's input {shape} is {kind}; (rows, columns, 1 or 3) is needed")
    defaults = written.output_shape if written else FRAME_SHAPE
    return tuple(size or default for size, default in zip(shape, defaults, strict=True))


def _refuse_lambdas(shape: tuple[int, ...], settings: Iterable[LayerSettings]) -> None:
    for layer in settings:
        if layer.kind == "Lambda":
            guess = guess_normalisation(layer.config)
            raise layer.wrong(
                "Python code inside the file, which is never run"
                + (f"; its constants suggest {guess}" if guess else "")
                + f". If it only normalises pixels, {advice(shape)}"
            )


def _replace_lambdas(
    architecture: Architecture, settings: SettingsByLayer, written: Preprocessing | None
) -> tuple[list[str], list[str]]:
    """Lambdas that a written preprocessing replaces, and notes on them; one after the first weights is refused."""
    replaced, notes = [], []
    first_weights = next(iter(weighted(architecture, settings)), None)
    for spec in architecture.layers:
        if spec.name == first_weights or written is None:
            break
        if spec.kind == "Lambda" and len(spec.inputs) == 1:
            guess = guess_normalisation(spec.config)
            hint = f"; its constants suggest {guess}" if guess else ""
            notes.append(f"Lambda {spec.name!r} was not run; the preprocessing replaces it{hint}")
            replaced.append(spec.name)
    shape = _input_shape(architecture, written)
    _refuse_lambdas(shape, (layer for name, layer in settings.items() if name not in replaced))
    return replaced, notes


def _scales_itself(architecture: Architecture, settings: SettingsByLayer) -> bool:
    """Whether a Rescaling layer precedes the first layer with weights."""
    for spec in architecture.layers:
        if settings[spec.name].kind == "Rescaling":
            return True
        if spec.name in weighted(architecture, settings):
            return False
    return False


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
