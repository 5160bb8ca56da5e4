"""Loads any steering model file as a uniform model: raw camera frames in, the steering out.

Files come from three generations of Keras and have inputs of many sizes. The loader hides these differences from its
callers, and never runs code from a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from models.adapter.answer import answer_of
from models.adapter.network_inputs import describe, network_inputs
from models.adapter.pixel_card import pixels_of
from models.adapter.text import output_notes, read_adapter
from models.keras_files.architecture import Architecture, read_architecture
from models.keras_files.building import apply_layers, settings_of, weighted
from models.keras_files.lambdas.decisions import decide_lambdas
from models.keras_files.layers.layer_settings import LayerSettings
from models.keras_files.model_file import ModelFile, open_model_file
from models.keras_files.weights import ModelFileError
from models.preprocessing.likely import advice, likely
from models.preprocessing.written import Preprocessing, PreprocessingError
from protocol.messages import FRAME_SHAPE

__all__ = ["BareNetwork", "LoadedNetwork", "ModelFileError", "load_bare_network", "load_steering_model"]

SettingsByLayer = dict[str, LayerSettings]


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A model and notes for the user on the loader's choices.

    It maps uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), the steering. For a network of several frames its input is
    (n, frames, 160, 320, 3), oldest first. One that is given measurements has a second input, see
    `models.adapter.network_inputs`; one that also answers with a throttle or a confidence has an output (n, 2 or 3).

    parts: the files that it was read from. answers: the meanings of the output's numbers, the names of
    `inference.policy.Answer`.
    """

    model: keras.Model
    notes: tuple[str, ...]
    parts: tuple[Path, ...]
    answers: tuple[str, ...]


def load_steering_model(path: Path, preprocess: str | None = None) -> LoadedNetwork:
    """Load a .h5 or .keras file, or either half of a .json + .h5 pair, of Keras 1, 2 or 3.

    preprocess: as `models.adapter.text` reads it; None takes the text of the pixel card beside the file, or selects the
    likely pixels for the input's shape and adds a note. The loader never runs a Lambda; `decide_lambdas` says what
    becomes of one.

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
        shape = _input_shape(architecture, adapter.preprocessing)
        lambdas = decide_lambdas(
            architecture, settings, weighted(architecture, settings), adapter.preprocessing is not None, advice(shape)
        )
        scales_itself = lambdas.scale or _has_rescaling(architecture, settings)
        preprocessing, notes = _choose(shape, architecture.input_dtype, scales_itself, adapter.preprocessing)
        try:
            notes += describe(architecture.vectors, adapter.inputs)
            network = network_inputs(
                architecture.input_name, preprocessing, architecture.stack, architecture.vectors, adapter.inputs
            )
        except PreprocessingError as error:
            raise ModelFileError(str(error)) from None
        outputs = apply_layers(network.values, architecture, settings, file.weights, lambdas.replaced)
        answer, answers = answer_of(outputs, adapter)
        notes += output_notes(list(outputs), adapter)
        notes = [*_origin_notes(file), *notes, *lambdas.notes]
        return LoadedNetwork(network.model(answer), tuple(notes), file.parts, answers)


@dataclass(frozen=True, slots=True)
class BareNetwork:
    """A network of one frame without what prepares its pixels. model: float32 (n, *shape) -> its answers.

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
        if architecture.stack is not None or architecture.vectors:
            raise ModelFileError("the model takes more than one frame: its pixels cannot be found by single frames")
        rows, columns, channels = _input_shape(architecture, None)
        lambdas = decide_lambdas(architecture, settings, weighted(architecture, settings), True, "Python is never run")
        pixels = keras.Input((rows, columns, channels), name="pixels")
        inputs = {architecture.input_name: pixels}
        outputs = apply_layers(inputs, architecture, settings, file.weights, lambdas.replaced)
        scales_itself = lambdas.scale or _has_rescaling(architecture, settings)
        notes = (*_origin_notes(file), *lambdas.notes)
        return BareNetwork(keras.Model(pixels, _joined(outputs)), (rows, columns, channels), scales_itself, notes)


def _joined(outputs: dict[str, Any]) -> Any:
    """All numbers of all outputs in one row."""
    rows = [keras.layers.Flatten(name=f"steer_{i}")(output) for i, output in enumerate(outputs.values())]
    return rows[0] if len(rows) == 1 else keras.layers.Concatenate(name="steer_all")(rows)


def _origin_notes(file: ModelFile) -> list[str]:
    """Notes on files that the loader combined or translated."""
    notes = []
    if len(file.parts) > 1:
        notes.append(f"architecture from {file.parts[0].name}, weights from {file.parts[1].name}")
    if not file.keras_version.startswith("3."):
        notes.append(f"translated from Keras {file.keras_version or 'of an unknown version'}, layer by layer")
    return notes


def _choose(
    shape: tuple[int, ...], dtype: str, scales_itself: bool, choice: Preprocessing | None
) -> tuple[Preprocessing | None, list[str]]:
    """The preprocessing for an input of this shape and type, and notes on it; None for a file that takes raw frames."""
    if dtype == "uint8":
        if shape == FRAME_SHAPE and choice is None:
            return None, []
        raise ModelFileError(f"the model takes bytes of shape {shape} and prepares them itself: omit --preprocess")
    if choice is None:
        guess = likely(shape, scales_itself)
        if guess is None:
            raise ModelFileError(f"nothing in the file says which pixels it wants: {advice(shape, scales_itself)}")
        preprocessing, notes = guess
    else:
        preprocessing, notes = choice, []
    if preprocessing.output_shape != shape:
        raise ModelFileError(
            f"the preprocessing {preprocessing} makes {_size(preprocessing.output_shape)}, "
            f"the model takes {_size(shape)}: {advice(shape, scales_itself)}"
        )
    if scales_itself and preprocessing.scales:
        if preprocessing.short_form:
            preprocessing = preprocessing.without_scaling()
            notes.append("the file scales its pixels itself, so they are not scaled before")
        else:
            notes.append("the file scales its pixels itself, and they are scaled before as well, as written")
    return preprocessing, [f"pixels: {preprocessing}", *notes]


def _input_shape(architecture: Architecture, choice: Preprocessing | None) -> tuple[int, ...]:
    """The file's input shape; the preprocessing or the camera fills in open sizes."""
    shape = architecture.input_shape
    if shape[-1] not in (1, 3):
        kind = "channels-first" if shape[0] in (1, 3) else "no single image"
        raise ModelFileError(f"the model's input {shape} is {kind}; (rows, columns, 1 or 3) is needed")
    defaults = choice.output_shape if choice else FRAME_SHAPE
    return tuple(size or default for size, default in zip(shape, defaults, strict=True))


def _has_rescaling(architecture: Architecture, settings: SettingsByLayer) -> bool:
    """Whether a Rescaling layer precedes the first layer with weights."""
    for spec in architecture.layers:
        if settings[spec.name].kind == "Rescaling":
            return True
        if spec.name in weighted(architecture, settings):
            return False
    return False


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
