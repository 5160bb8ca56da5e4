"""Builds a Keras model from a checked architecture and its weights, without deserialising any object.

Keras' own loader imports whatever a file names. Here a file can only choose among the layers of
`models.keras_files.layer_catalogue`. Limits on parameters and activations are checked before the allocation.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import keras
import numpy as np

from models.keras_files.architecture import Architecture
from models.keras_files.layer_catalogue import WEIGHT_SHAPES, count_parameters, make_layer, require_known, weight_shapes
from models.keras_files.layer_settings import LayerSettings
from models.keras_files.legacy import translate
from models.keras_files.weights import LayerGroup, ModelFileError, WeightFile, Weights

PREPROCESSING_PREFIX = "preprocess_"
"""The beginning of the layer names that `models.preprocessing` uses."""

MAX_PARAMETERS = 100_000_000
MAX_ACTIVATIONS = 1 << 25
"""Most numbers in one layer's output for one frame: 128 MB."""


def settings_of(architecture: Architecture, keras_version: str) -> dict[str, LayerSettings]:
    """The layers' classes and settings in Keras 3's terms, by layer name."""
    return {
        spec.name: LayerSettings(spec.name, *translate(spec.kind, spec.config, keras_version))
        for spec in architecture.layers
    }


def weighted(architecture: Architecture, settings: dict[str, LayerSettings]) -> list[str]:
    """Names of the layers that have weights, in the file's order."""
    return [spec.name for spec in architecture.layers if settings[spec.name].kind in WEIGHT_SHAPES]


def apply_layers(
    x: Any,
    architecture: Architecture,
    settings: dict[str, LayerSettings],
    weights: WeightFile,
    skipped: Collection[str] = (),
) -> Any:
    """The network's output for the symbolic input `x`, with the file's weights. skipped: layers to leave out.

    Raises ModelFileError, which names the layer, if a layer cannot be built or its weights do not fit.
    """
    for spec in architecture.layers:
        if spec.name not in skipped:
            require_known(settings[spec.name])
    groups = _assign(weighted(architecture, settings), settings, weights)
    names = _graph_names(spec.name for spec in architecture.layers)
    values = {architecture.input_name: x}
    parameters = 0
    for spec in architecture.layers:
        inputs = [values[name] for name in spec.inputs]
        if spec.name in skipped:
            values[spec.name] = inputs[0]
            continue
        values[spec.name], count = _apply(settings[spec.name], names[spec.name], inputs, groups, weights)
        parameters += count
        if parameters > MAX_PARAMETERS:
            raise ModelFileError(f"the model has more than {MAX_PARAMETERS:,} parameters")
    return values[architecture.output_name]


def _apply(
    settings: LayerSettings, name: str, inputs: list[Any], groups: dict[str, LayerGroup], weights: WeightFile
) -> tuple[Any, int]:
    """Build and call a layer; return its output and its number of parameters.

    The weights are read before the layer is built, so that it cannot be larger than the file.
    """
    if not inputs:
        raise settings.wrong("it has no input")
    shapes = weight_shapes(settings, inputs[0].shape[1:])
    count = count_parameters(shapes)
    if count > MAX_PARAMETERS:
        raise settings.wrong(f"it would have {count:,} parameters")
    arrays = groups[settings.name].read(settings.name, shapes) if shapes else []
    layer = make_layer(settings, name)
    try:
        y = _call(layer, inputs)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise settings.wrong(f"it does not fit an input of shape {_shapes(inputs)} ({_line(error)})") from error
    if math.prod(size or 1 for size in y.shape[1:]) > MAX_ACTIVATIONS:
        raise settings.wrong(f"its output of shape {tuple(y.shape[1:])} exceeds that of any camera network")
    if arrays:
        layer.set_weights(_to_tensorflow(arrays, settings, weights))
    return y, count


def _call(layer: Any, inputs: list[Any]) -> Any:
    """The layer's output. Resizing's default is training=True, and Keras 3 passes it on to the layers after it."""
    if isinstance(layer, keras.layers.Resizing):
        return layer(inputs[0], training=False)
    return layer(inputs if len(inputs) > 1 else inputs[0])


def _assign(names: list[str], settings: dict[str, LayerSettings], weights: WeightFile) -> dict[str, LayerGroup]:
    """Assign the file's groups to layers by name, by count within the class, or by order, as the layout requires."""
    if not names:
        return {}
    groups = weights.groups()
    if any(group.kind for group in groups):
        return _assign_by_kind(names, settings, groups)
    if len(groups) != len(names):
        raise ModelFileError(
            f"{weights.path} has weights for {len(groups)} layers, the architecture has {len(names)} with weights: "
            "the two belong to different models"
        )
    by_name = {group.name: group for group in groups}
    return by_name if by_name.keys() == set(names) else dict(zip(names, groups, strict=True))


def _assign_by_kind(
    names: list[str], settings: dict[str, LayerSettings], groups: list[LayerGroup]
) -> dict[str, LayerGroup]:
    queues: defaultdict[str, list[LayerGroup]] = defaultdict(list)
    for group in groups:
        queues[group.kind].append(group)
    assigned = {}
    for name in names:
        kind = _snake_case(settings[name].kind)
        if not queues[kind]:
            raise ModelFileError(f"the file has no weights for layer {name!r} ({settings[name].kind})")
        assigned[name] = queues[kind].pop(0)
    return assigned


def _to_tensorflow(arrays: Weights, settings: LayerSettings, weights: WeightFile) -> Weights:
    """Rotate Theano's convolution kernels by 180 degrees, as TensorFlow needs them."""
    if settings.kind == "Conv2D" and weights.flips_kernels:
        return [np.ascontiguousarray(arrays[0][::-1, ::-1]), *arrays[1:]]
    return arrays


def _snake_case(kind: str) -> str:
    """The name of a class's group in a .keras file: `MaxPooling2D` is `max_pooling2d`."""
    kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()


def _graph_names(names: Iterable[str]) -> dict[str, str]:
    """Replace names that a backend may refuse, such as "+1", "conv/1" or 10,000 letters; ordinary ones stay."""
    graph_names: dict[str, str] = {}
    used = {"frames", "steer_factor"}
    for name in names:
        clean = re.sub(r"[^A-Za-z0-9_]", "_", name)[:80]
        clean = clean if clean[:1].isalpha() else f"layer_{clean}"
        clean += "_" * clean.startswith(PREPROCESSING_PREFIX)
        while clean in used:
            clean += "_"
        used.add(clean)
        graph_names[name] = clean
    return graph_names


def _shapes(tensors: list[Any]) -> str:
    return ", ".join(str(tuple(tensor.shape[1:])) for tensor in tensors)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
