"""Loads any steering model file as a uniform model: a raw camera frame in, one steering value out.

Files come from three generations of Keras and have inputs of many sizes. The loader hides these differences from its
callers, and never runs code from a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from models.keras_files.architecture import Architecture, read_architecture
from models.keras_files.building import apply_layers, settings_of, steering_model, weighted
from models.keras_files.lambdas import guess_normalisation
from models.keras_files.layer_settings import LayerSettings
from models.keras_files.model_file import ModelFile, open_model_file
from models.keras_files.weights import ModelFileError
from models.preprocessing import PREPROCESSINGS, Preprocessing, names_for
from protocol.messages import FRAME_SHAPE

__all__ = ["LoadedNetwork", "ModelFileError", "load_steering_model"]

SettingsByLayer = dict[str, LayerSettings]


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A model, uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), and notes for the user on the loader's choices."""

    model: keras.Model
    notes: tuple[str, ...]


def load_steering_model(path: Path, preprocess: str | None = None) -> LoadedNetwork:
    """Load a .h5 or .keras file, or either half of a .json + .h5 pair, of Keras 1, 2 or 3.

    preprocess: a name in PREPROCESSINGS; None selects the likely one for the input's shape and adds a note. The loader
    never runs a Lambda: a named `preprocess` replaces the Lambdas before the first layer with weights.

    Raises ModelFileError with a one-line message if the file is not such a model or must not be loaded.
    """
    with open_model_file(Path(path)) as file:
        architecture = read_architecture(file.architecture)
        settings = settings_of(architecture, file.keras_version)
        preprocessing, notes = _choose(architecture, settings, _look_up(preprocess))
        skipped, lambda_notes = _replace_lambdas(architecture, settings, preprocessing if preprocess else None)
        frames = keras.Input(FRAME_SHAPE, dtype="uint8", name="frames")
        x = preprocessing(frames) if preprocessing else frames
        output = apply_layers(x, architecture, settings, file.weights, skipped)
        return LoadedNetwork(steering_model(frames, output), (*_origin_notes(file), *notes, *lambda_notes))


def _look_up(preprocess: str | None) -> Preprocessing | None:
    if preprocess is None:
        return None
    if preprocess not in PREPROCESSINGS:
        raise ModelFileError(f"no preprocessing {preprocess!r}; there are {', '.join(PREPROCESSINGS)}")
    return PREPROCESSINGS[preprocess]


def _origin_notes(file: ModelFile) -> list[str]:
    """Notes on files that the loader combined or translated."""
    notes = []
    if len(file.parts) > 1:
        notes.append(f"architecture from {file.parts[0].name}, weights from {file.parts[1].name}")
    if not file.keras_version.startswith("3."):
        notes.append(f"translated from Keras {file.keras_version or 'of an unknown version'}, layer by layer")
    return notes


def _choose(
    architecture: Architecture, settings: SettingsByLayer, named: Preprocessing | None
) -> tuple[Preprocessing | None, list[str]]:
    """The preprocessing for the file's input, and notes on it; None for a file that takes raw frames."""
    shape = _input_shape(architecture, named)
    if architecture.input_dtype == "uint8":
        if shape == FRAME_SHAPE and named is None:
            return None, []
        raise ModelFileError(f"the model takes bytes of shape {shape} and prepares them itself: omit --preprocess")
    preprocessing = named or _likely(shape, architecture, settings)
    if preprocessing.output_shape != shape:
        raise ModelFileError(
            f"preprocessing {preprocessing.name!r} makes {preprocessing.output_shape}, the model takes {shape}: "
            f"{names_for(shape)}"
        )
    notes = [f"preprocessing {preprocessing.name}: {preprocessing.description}"]
    if named is None:
        notes.append(_choice_note(preprocessing))
    if _scales_itself(architecture, settings) and (preprocessing.scale, preprocessing.offset) != (1.0, 0.0):
        notes.append(f"the file scales its pixels itself (Rescaling), so {preprocessing.name} leaves them 0 to 255")
        preprocessing = replace(preprocessing, scale=1.0, offset=0.0)
    return preprocessing, notes


def _choice_note(preprocessing: Preprocessing) -> str:
    alternatives = [
        other.name
        for other in PREPROCESSINGS.values()
        if other.output_shape == preprocessing.output_shape and other is not preprocessing
    ]
    advice = f"; if it drives badly, try --preprocess {', '.join(alternatives)}" if alternatives else ""
    return f"{preprocessing.name} was chosen by the input's shape{advice}"


def _input_shape(architecture: Architecture, named: Preprocessing | None) -> tuple[int, ...]:
    """The file's input shape; the preprocessing or the camera fills in open sizes."""
    shape = architecture.input_shape
    if shape[-1] != 3:
        kind = "channels-first" if shape[0] in (1, 3) else "not RGB"
        raise ModelFileError(f"the model's input {shape} is {kind}; (rows, columns, 3) is needed")
    defaults = named.output_shape if named else FRAME_SHAPE
    return tuple(size or default for size, default in zip(shape, defaults, strict=True))


def _likely(shape: tuple[int, ...], architecture: Architecture, settings: SettingsByLayer) -> Preprocessing:
    """The usual preprocessing for a shape: the table's first with that shape, or `frame` for whole frames."""
    _refuse_lambdas(shape, settings.values())
    if shape == FRAME_SHAPE:
        return PREPROCESSINGS["frame"]
    candidates = [candidate for candidate in PREPROCESSINGS.values() if candidate.output_shape == shape]
    if not candidates:
        raise ModelFileError(
            f"the model takes images of shape {shape}, which no preprocessing makes: {names_for(shape)}"
        )
    return candidates[0]


def _refuse_lambdas(shape: tuple[int, ...], settings: Iterable[LayerSettings]) -> None:
    for layer in settings:
        if layer.kind == "Lambda":
            guess = guess_normalisation(layer.config)
            raise layer.wrong(
                "Python code inside the file, which is never run"
                + (f"; its constants suggest {guess}" if guess else "")
                + f". If it only normalises pixels, name its replacement: {names_for(shape)}"
            )


def _replace_lambdas(
    architecture: Architecture, settings: SettingsByLayer, named: Preprocessing | None
) -> tuple[list[str], list[str]]:
    """Lambdas that the named preprocessing replaces, and notes on them; one after the first weights is refused."""
    replaced, notes = [], []
    first_weights = next(iter(weighted(architecture, settings)), None)
    for spec in architecture.layers:
        if spec.name == first_weights or named is None:
            break
        if spec.kind == "Lambda" and len(spec.inputs) == 1:
            guess = guess_normalisation(spec.config)
            hint = f"; its constants suggest {guess}" if guess else ""
            notes.append(f"Lambda {spec.name!r} was not run; {named.name} replaces it{hint}")
            replaced.append(spec.name)
    shape = _input_shape(architecture, named)
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
