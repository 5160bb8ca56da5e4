"""Parses an architecture's JSON of Keras 1, 2 or 3 into one flat list of layers.

Sequential lists, functional graphs and models inside models become one list of named layers, each with the names of its
input layers. This module builds no layer and imports no name from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.adapter.measurements import MAX_COLUMNS
from models.keras_files.calls import short
from models.keras_files.flattening import MODELS, SEQUENTIAL, Config, Flattener, LayerSpec, input_configs
from models.keras_files.weights import ModelFileError

__all__ = ["Architecture", "LayerSpec", "read_architecture"]


MAX_STACK = 32


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of one image input. layers: without the inputs; each follows its input layers.

    input_shape: rows, columns, channels; None for a size left open. input_dtype: "uint8", "float32", ...
    outputs: by each output's name for the user, the name of its layer.
    stack: how many images the input holds along an axis of their own, the oldest first; None for one without that axis.
    vectors: how many numbers each further input takes, by its name.
    """

    input_name: str
    input_shape: tuple[int | None, ...]
    input_dtype: str
    layers: tuple[LayerSpec, ...]
    outputs: dict[str, str]
    stack: int | None
    vectors: dict[str, int]


def read_architecture(description: Config) -> Architecture:
    """Parse the JSON object that `model.to_json()` of any Keras version writes, except the compile settings.

    Raises ModelFileError unless it is a Sequential or functional network with one input of an image or a stack of them.
    """
    kind = description.get("class_name")
    config = description.get("config")
    if kind not in MODELS or (kind != SEQUENTIAL and not (isinstance(config, dict) and "output_layers" in config)):
        raise ModelFileError(f"the model is a {short(kind)}: only Sequential and functional Keras models can be read")
    inputs = input_configs(kind, config)
    (input_name, input_settings), vectors = _image_input(inputs)
    flattener = Flattener()
    outputs = flattener.add_model(kind, config, input_name if kind == SEQUENTIAL else None)
    names = [input_name, *vectors, *(spec.name for spec in flattener.layers)]
    if len(set(names)) < len(names):
        raise ModelFileError("two layers of the model have the same name")
    dtype = input_settings.get("dtype") or input_settings.get("input_dtype")
    stack, shape = _image_shape(input_settings)
    return Architecture(
        input_name,
        shape,
        dtype if isinstance(dtype, str) else "float32",
        tuple(flattener.layers),
        outputs,
        stack,
        vectors,
    )


def _image_input(inputs: Sequence[tuple[str, Config]]) -> tuple[tuple[str, Config], dict[str, int]]:
    """The input of the image, and the sizes of the others, which must be rows of a few numbers."""
    images = [(name, config) for name, config in inputs if len(_sizes(config) or (None,) * 4) >= 4]
    if len(images) != 1:
        raise ModelFileError(f"the model has {len(images)} inputs for images: {_list(inputs)}; one is needed")
    vectors = {}
    for name, config in inputs:
        sizes = _sizes(config)
        if (name, config) in images:
            continue
        if sizes is None or len(sizes) != 2 or sizes[1] is None or sizes[1] > MAX_COLUMNS:
            raise ModelFileError(
                f"the model's input {short(name)} has shape {short(sizes)}; besides the image, an input may take up to "
                f"{MAX_COLUMNS} numbers in a row"
            )
        vectors[name] = sizes[1]
    return images[0], vectors


def _image_shape(config: Config) -> tuple[int | None, tuple[int | None, ...]]:
    """The number of images in a stack, or None for a single one, and the shape of an image."""
    sizes = _sizes(config)
    if sizes is None or len(sizes) not in (4, 5):
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        raise ModelFileError(f"the model's input has shape {short(shape)}; one image (rows, columns, 3) is needed")
    if len(sizes) == 4:
        return None, sizes[1:]
    if sizes[1] is None or sizes[1] > MAX_STACK:
        raise ModelFileError(f"the model takes {sizes[1] or 'any number of'} images at a time; 1 to {MAX_STACK} can be")
    return sizes[1], sizes[2:]


def _sizes(config: Config) -> tuple[int | None, ...] | None:
    """The input shape, from `batch_shape` (Keras 3) or `batch_input_shape` (Keras 1 and 2); None if unreadable."""
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list) or len(shape) > 5:
        return None
    if not all(size is None or (type(size) is int and 0 < size <= 4096) for size in shape):
        return None
    return tuple(shape)


def _list(inputs: Sequence[tuple[str, Config]]) -> str:
    return ", ".join(f"{short(name)} {short(_sizes(config))}" for name, config in inputs)
