"""Parses an architecture's JSON of Keras 1, 2 or 3 into one flat list of layers.

Sequential lists, functional graphs and models inside models become one list of named layers, each with the names of its
input layers. This module builds no layer and imports no name from the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.keras_files.calls import short
from models.keras_files.flattening import MODELS, SEQUENTIAL, Config, Flattener, LayerSpec, input_config
from models.keras_files.weights import ModelFileError

__all__ = ["Architecture", "LayerSpec", "read_architecture"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of one input. layers: without the input; each follows its input layers.

    input_shape: rows, columns, channels; None for a size left open. input_dtype: "uint8", "float32", ...
    outputs: by each output's name for the user, the name of its layer.
    """

    input_name: str
    input_shape: tuple[int | None, ...]
    input_dtype: str
    layers: tuple[LayerSpec, ...]
    outputs: dict[str, str]


def read_architecture(description: Config) -> Architecture:
    """Parse the JSON object that `model.to_json()` of any Keras version writes, except the compile settings.

    Raises ModelFileError unless it is a Sequential or functional network of one image input.
    """
    kind = description.get("class_name")
    config = description.get("config")
    if kind not in MODELS or (kind != SEQUENTIAL and not (isinstance(config, dict) and "output_layers" in config)):
        raise ModelFileError(f"the model is a {short(kind)}: only Sequential and functional Keras models can be read")
    input_name, input_settings = input_config(kind, config)
    flattener = Flattener()
    outputs = flattener.add_model(kind, config, input_name)
    names = [input_name, *(spec.name for spec in flattener.layers)]
    if len(set(names)) < len(names):
        raise ModelFileError("two layers of the model have the same name")
    dtype = input_settings.get("dtype") or input_settings.get("input_dtype")
    return Architecture(
        input_name,
        _image_shape(input_settings),
        dtype if isinstance(dtype, str) else "float32",
        tuple(flattener.layers),
        outputs,
    )


def _image_shape(config: Config) -> tuple[int | None, ...]:
    """The input shape, from `batch_shape` (Keras 3) or `batch_input_shape` (Keras 1 and 2)."""
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 4
        or not all(size is None or (type(size) is int and 0 < size <= 4096) for size in shape)
    ):
        raise ModelFileError(f"the model's input has shape {short(shape)}; one image (rows, columns, 3) is needed")
    return tuple(shape[1:])
