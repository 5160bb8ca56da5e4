"""Any steering model file to one kind of model: a raw camera frame in, one steering value out.

People have files of three generations of Keras, with inputs of many sizes; a server should neither know that nor run
anything that a file brings along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from models.keras_files.architecture import Architecture, read_architecture
from models.keras_files.building import apply_layers, settings_of, steering_model, weighted
from models.keras_files.lambdas import guess_normalisation
from models.keras_files.layer_settings import Settings
from models.keras_files.model_file import ModelFile, open_model_file
from models.keras_files.weights import ModelFileError
from models.preprocessing import PREPROCESSINGS, Preprocessing, names_for
from protocol.messages import FRAME_SHAPE

__all__ = ["LoadedModel", "ModelFileError", "load_steering_model"]

LayerSettings = dict[str, Settings]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model, uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), and what was chosen in loading it, for people."""

    model: keras.Model
    notes: tuple[str, ...]


def load_steering_model(path: Path, preprocess: str | None = None) -> LoadedModel:
    """Load a .h5 or .keras file, or either half of a .json + .h5 pair, of Keras 1, 2 or 3.

    preprocess: a name in PREPROCESSINGS; None takes the one that the input's shape makes likely, and says so. A Lambda
    is never run: where `preprocess` is named it stands for the Lambdas before the first layer with weights.

    Raises ModelFileError, with a line for people, for a file that is not such a model or that may not be loaded.
    """
    with open_model_file(Path(path)) as file:
        architecture = read_architecture(file.architecture)
        settings = settings_of(architecture, file.keras_version)
        chosen, notes = _choose(architecture, settings, _named(preprocess))
        skipped, replaced = _replaced_lambdas(architecture, settings, chosen if preprocess else None)
        frames = keras.Input(FRAME_SHAPE, dtype="uint8", name="frames")
        x = chosen(frames) if chosen else frames
        output = apply_layers(x, architecture, settings, file.weights, skipped)
        return LoadedModel(steering_model(frames, output), (*_origin(file), *notes, *replaced))


def _named(preprocess: str | None) -> Preprocessing | None:
    if preprocess is None:
        return None
    if preprocess not in PREPROCESSINGS:
        raise ModelFileError(f"no preprocessing {preprocess!r}; there are {', '.join(PREPROCESSINGS)}")
    return PREPROCESSINGS[preprocess]


def _origin(file: ModelFile) -> list[str]:
    """Said only of files that were put together or translated."""
    notes = []
    if len(file.parts) > 1:
        notes.append(f"architecture from {file.parts[0].name}, weights from {file.parts[1].name}")
    if not file.keras_version.startswith("3."):
        notes.append(f"translated from Keras {file.keras_version or 'of an unknown version'}, layer by layer")
    return notes


def _choose(
    architecture: Architecture, settings: LayerSettings, named: Preprocessing | None
) -> tuple[Preprocessing | None, list[str]]:
    """The preprocessing before the file's own input, and what to say of it; none for a file that takes raw frames."""
    shape = _input_shape(architecture, named)
    if architecture.input_dtype == "uint8":
        if shape == FRAME_SHAPE and named is None:
            return None, []
        raise ModelFileError(f"the model takes bytes of shape {shape} and prepares them itself: name no preprocessing")
    chosen = named or _likely(shape, architecture, settings)
    if chosen.output_shape != shape:
        raise ModelFileError(
            f"preprocessing {chosen.name!r} makes {chosen.output_shape}, the model takes {shape}: {names_for(shape)}"
        )
    notes = [f"preprocessing {chosen.name}: {chosen.description}", *([] if named else [_by_shape(chosen)])]
    if _scales_itself(architecture, settings) and (chosen.scale, chosen.offset) != (1.0, 0.0):
        notes.append(f"the file scales its pixels itself (Rescaling), so {chosen.name} leaves them 0 to 255")
        chosen = replace(chosen, scale=1.0, offset=0.0)
    return chosen, notes


def _by_shape(chosen: Preprocessing) -> str:
    others = [
        each.name for each in PREPROCESSINGS.values() if each.output_shape == chosen.output_shape and each is not chosen
    ]
    advice = f"; if it drives badly, try --preprocess {', '.join(others)}" if others else ""
    return f"{chosen.name} was chosen by the input's shape{advice}"


def _input_shape(architecture: Architecture, named: Preprocessing | None) -> tuple[int, ...]:
    """The file's, with open sizes as the preprocessing or the camera has them."""
    shape = architecture.input_shape
    if shape[-1] != 3:
        kind = "channels-first" if shape[0] in (1, 3) else "not RGB"
        raise ModelFileError(f"the model's input {shape} is {kind}; (rows, columns, 3) is needed")
    wanted = named.output_shape if named else FRAME_SHAPE
    return tuple(size or default for size, default in zip(shape, wanted, strict=True))


def _likely(shape: tuple[int, ...], architecture: Architecture, settings: LayerSettings) -> Preprocessing:
    """The usual preprocessing of that shape, the first in the table; a network that takes whole frames gets them."""
    _refuse_lambdas(shape, settings.values())
    if shape == FRAME_SHAPE:
        return PREPROCESSINGS["frame"]
    fitting = [each for each in PREPROCESSINGS.values() if each.output_shape == shape]
    if not fitting:
        raise ModelFileError(
            f"the model takes images of shape {shape}, which no preprocessing makes: {names_for(shape)}"
        )
    return fitting[0]


def _refuse_lambdas(shape: tuple[int, ...], settings: Iterable[Settings]) -> None:
    for layer in settings:
        if layer.kind == "Lambda":
            guess = guess_normalisation(layer.config)
            raise layer.wrong(
                "Python code inside the file, which is never run"
                + (f"; its constants suggest {guess}" if guess else "")
                + f". If it only normalises pixels, name what stands for it: {names_for(shape)}"
            )


def _replaced_lambdas(
    architecture: Architecture, settings: LayerSettings, named: Preprocessing | None
) -> tuple[list[str], list[str]]:
    """Lambdas that the named preprocessing stands for, and what to say; one after the first weights is refused."""
    replaced, notes = [], []
    first_weights = next(iter(weighted(architecture, settings)), None)
    for spec in architecture.layers:
        if spec.name == first_weights or named is None:
            break
        if spec.kind == "Lambda" and len(spec.inputs) == 1:
            guess = guess_normalisation(spec.config)
            hint = f"; its constants suggest {guess}" if guess else ""
            notes.append(f"Lambda {spec.name!r} was not run, {named.name} stands for it{hint}")
            replaced.append(spec.name)
    shape = _input_shape(architecture, named)
    _refuse_lambdas(shape, (each for name, each in settings.items() if name not in replaced))
    return replaced, notes


def _scales_itself(architecture: Architecture, settings: LayerSettings) -> bool:
    """Whether a Rescaling comes before the first layer with weights."""
    for spec in architecture.layers:
        if settings[spec.name].kind == "Rescaling":
            return True
        if spec.name in weighted(architecture, settings):
            return False
    return False
