"""Builds a Keras model from a checked architecture and its weights, without deserialising any object.

Keras' own loader imports whatever a file names. Here a file can only choose among the layers of
`models.keras_files.layers.layer_catalogue`. Limits on parameters and activations are checked before the allocation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from models.keras_files.architecture import Architecture
from models.keras_files.assignment import assign
from models.keras_files.layers.calculations import require_axes
from models.keras_files.layers.layer_catalogue import (
    count_parameters,
    has_weights,
    make_layer,
    require_known,
    takes_several,
)
from models.keras_files.layers.layer_settings import LayerSettings
from models.keras_files.layers.operands import NEEDS_FLOATS
from models.keras_files.layers.slices import SLICE, resolve_slice
from models.keras_files.layers.steps import over_steps, runs_over_steps, step_count
from models.keras_files.legacy import translate
from models.keras_files.shape_check import MAX_PARAMETERS, check_weights, require_size, required_weights
from models.keras_files.weights import LayerGroup, ModelFileError, WeightFile, Weights

OUR_PREFIXES = ("preprocess_", "steer_")
"""The beginnings of the layer names that `models.preprocessing` and `models.adapter.answer` use."""


def settings_of(architecture: Architecture, keras_version: str) -> dict[str, LayerSettings]:
    """The layers' classes and settings in Keras 3's terms, by layer name."""
    return {
        spec.name: LayerSettings(spec.name, *translate(spec.kind, spec.config, keras_version))
        for spec in architecture.layers
    }


def weighted(architecture: Architecture, settings: dict[str, LayerSettings]) -> list[str]:
    """Names of the layers that have weights, in the file's order."""
    return [spec.name for spec in architecture.layers if has_weights(settings[spec.name])]


def apply_layers(
    inputs: Mapping[str, Any],
    architecture: Architecture,
    settings: dict[str, LayerSettings],
    weights: WeightFile,
    skipped: Collection[str] = (),
) -> Any:
    """The network's outputs by name for its symbolic inputs by name, with the file's weights.

    skipped: layers to leave out.

    Raises ModelFileError, which names the layer, if a layer cannot be built or its weights do not fit.
    """
    specs = [spec for spec in architecture.layers if spec.name not in skipped]
    for spec in specs:
        require_known(settings[spec.name])
    groups = assign((spec for spec in architecture.layers if has_weights(settings[spec.name])), weights)
    names = _graph_names(spec.name for spec in architecture.layers)
    layers = {spec.name: _make(settings[spec.name], names[spec.name]) for spec in specs}
    check_weights(architecture, settings, layers, groups, {name: tuple(x.shape[1:]) for name, x in inputs.items()})
    values = dict(inputs)
    parameters = 0
    for spec in architecture.layers:
        sources = [values[name] for name in spec.inputs]
        if spec.name in skipped:
            values[spec.name] = sources[0]
            continue
        group = groups.get(spec.path)
        values[spec.name], count = _apply(settings[spec.name], layers[spec.name], sources, group, weights)
        parameters += count
        if parameters > MAX_PARAMETERS:
            raise ModelFileError(f"the model has more than {MAX_PARAMETERS:,} parameters")
    return {name: values[layer] for name, layer in architecture.outputs.items()}


def _make(settings: LayerSettings, name: str) -> Any:
    """The layer, which has no weights before its first call, or a function of its input's shape for a slice.

    All layers are made before the first one is called, so that wrong settings are soon refused.
    """
    if settings.kind == SLICE:
        return lambda shape: _make(resolve_slice(settings, shape), name)
    try:
        return make_layer(settings, name)
    except ModelFileError:
        raise
    except (ValueError, TypeError) as error:
        raise settings.wrong(f"Keras refuses its settings ({_line(error)})") from error


def _apply(
    settings: LayerSettings, layer: Any, inputs: list[Any], group: LayerGroup | None, weights: WeightFile
) -> tuple[Any, int]:
    """Call a layer for the first time, which builds it; return its output and its number of parameters.

    The weights are read before the layer is built, so that it cannot be larger than the file.
    """
    shape = tuple(inputs[0].shape[1:]) if inputs else ()
    steps = step_count(settings, shape) if runs_over_steps(settings) else 0
    if steps:
        shape = shape[1:]
    _check_inputs(settings, inputs, len(shape) + 1)
    shapes = required_weights(settings, shape)
    if shapes and group is None:
        raise settings.wrong("the file has no weights for it")
    arrays = group.read(settings.name, shapes) if group and shapes else []
    if settings.kind == SLICE:
        layer = layer(shape)
    try:
        y = over_steps(partial(_call, layer), inputs, steps, layer.name) if steps else _call(layer, inputs)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise settings.wrong(f"it does not fit an input of shape {_shapes(inputs)} ({_line(error)})") from error
    require_size(settings, tuple(y.shape[1:]))
    if arrays:
        _set_weights(layer, _to_tensorflow(arrays, settings, weights))
    return y, count_parameters(shapes)


def _check_inputs(settings: LayerSettings, inputs: list[Any], rank: int) -> None:
    """Refuse what Keras would compute in another way, or notice only when it computes. rank: of what the layer gets."""
    if not inputs:
        raise settings.wrong("it has no input")
    if len(inputs) > 1 and not takes_several(settings):
        raise settings.wrong(f"it has {len(inputs)} inputs, not one")
    require_axes(settings, rank)
    if settings.config.get(NEEDS_FLOATS) is True and not keras.backend.is_float_dtype(inputs[0].dtype):
        raise settings.wrong(f"it calculates in whole numbers ({inputs[0].dtype}), which is not supported")
    for key in ("scale", "offset") if settings.kind == "Rescaling" else ():
        numbers = settings.numbers(key, 0.0)
        if isinstance(numbers, list) and len(numbers) != inputs[0].shape[-1]:
            raise settings.wrong(f"{key} has {len(numbers)} numbers, its input {inputs[0].shape[-1]} channels")


def _call(layer: Any, inputs: list[Any]) -> Any:
    """The layer's output. Resizing's default is training=True, and Keras 3 passes it on to the layers after it."""
    if isinstance(layer, keras.layers.Resizing):
        return layer(inputs[0], training=False)
    return layer(inputs if len(inputs) > 1 else inputs[0])


def _set_weights(layer: Any, arrays: Weights) -> None:
    if isinstance(layer, keras.layers.Normalization):
        layer.set_weights([*arrays[:2], np.zeros((), np.int32)])
        layer.finalize_state()
    else:
        layer.set_weights(arrays)


def _to_tensorflow(arrays: Weights, settings: LayerSettings, weights: WeightFile) -> Weights:
    """Turn Theano's convolution kernels round, as TensorFlow needs them."""
    axes = {"Conv2D": (0, 1), "Conv3D": (0, 1, 2)}.get(settings.kind)
    if axes and weights.flips_kernels:
        return [np.ascontiguousarray(np.flip(arrays[0], axes)), *arrays[1:]]
    return arrays


def _graph_names(names: Iterable[str]) -> dict[str, str]:
    """Replace names that a backend may refuse, such as "+1", "conv/1" or 10,000 letters; ordinary ones stay."""
    graph_names: dict[str, str] = {}
    used = {"frames", "measurements", "pixels"}
    for name in names:
        clean = re.sub(r"[^A-Za-z0-9_]", "_", name)[:80]
        clean = clean if clean[:1].isalpha() else f"layer_{clean}"
        clean += "_" * clean.startswith(OUR_PREFIXES)
        while clean in used:
            clean += "_"
        used.add(clean)
        graph_names[name] = clean
    return graph_names


def _shapes(tensors: list[Any]) -> str:
    return ", ".join(str(tuple(tensor.shape[1:])) for tensor in tensors)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
