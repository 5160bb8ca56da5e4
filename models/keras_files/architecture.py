"""Parses an architecture's JSON of Keras 1, 2 or 3 into uniform layer specifications.

Sequential lists and the three dialects of `inbound_nodes` become one list of named layers, each with the names of its
input layers. This module builds no layer and imports no name from the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from models.keras_files.weights import ModelFileError

MAX_LAYERS = 1000

Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer: its class name and settings as in the file, and the names of its input layers."""

    name: str
    kind: str
    config: Config
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of one input and one output. layers: without the input; each follows its input layers.

    input_shape: rows, columns, channels; None for a size left open. input_dtype: "uint8", "float32", ...
    """

    input_name: str
    input_shape: tuple[int | None, ...]
    input_dtype: str
    layers: tuple[LayerSpec, ...]
    output_name: str


def read_architecture(description: Config) -> Architecture:
    """Parse the JSON object that `model.to_json()` of any Keras version writes, except the compile settings.

    Raises ModelFileError unless it is a Sequential or functional network of one image input and one output.
    """
    kind = description.get("class_name")
    config = description.get("config")
    if kind == "Sequential":
        return _sequential(config)
    if kind in ("Model", "Functional") and isinstance(config, dict) and "output_layers" in config:
        return _functional(config)
    raise ModelFileError(f"the model is a {_short(kind)}: only Sequential and functional Keras models can be read")


def _sequential(config: Any) -> Architecture:
    """Parse a Sequential model; Keras 1 writes a bare list of layers, later versions an object with the list."""
    build_shape = config.get("build_input_shape") if isinstance(config, dict) else None
    specs = list(_specs(config.get("layers") if isinstance(config, dict) else config))
    if not specs:
        raise ModelFileError("the model has no layers")
    first = specs[0]
    if first.kind == "InputLayer":
        specs.pop(0)
    else:
        first = LayerSpec("input", "InputLayer", {"batch_input_shape": build_shape, **first.config}, ())
    chain = []
    previous = first.name
    for spec in specs:
        chain.append(replace(spec, inputs=(previous,)))
        previous = spec.name
    return _architecture(first, chain, previous)


def _functional(config: Config) -> Architecture:
    specs = list(_specs(config.get("layers")))
    inputs = [spec for spec in specs if spec.kind == "InputLayer"]
    outputs = _history_list(config["output_layers"])
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"the model has {len(inputs)} inputs and {len(outputs)} outputs; a steering model has one of each"
        )
    return _architecture(inputs[0], [spec for spec in specs if spec is not inputs[0]], outputs[0])


def _architecture(first: LayerSpec, specs: list[LayerSpec], output: str) -> Architecture:
    names = [first.name, *(spec.name for spec in specs)]
    if len(set(names)) < len(names):
        raise ModelFileError("two layers of the model have the same name")
    ordered = _in_order(first.name, specs)
    if output not in names:
        raise ModelFileError(f"the model's output {_short(output)} is not one of its layers")
    config = first.config
    dtype = config.get("dtype") or config.get("input_dtype")
    return Architecture(
        first.name, _image_shape(config), dtype if isinstance(dtype, str) else "float32", tuple(ordered), output
    )


def _in_order(input_name: str, specs: list[LayerSpec]) -> list[LayerSpec]:
    """Sort the layers so that each follows its input layers; most files, but not all, are sorted already."""
    ordered: list[LayerSpec] = []
    available = {input_name}
    waiting = specs
    while waiting:
        late = []
        for spec in waiting:
            if available.issuperset(spec.inputs):
                ordered.append(spec)
                available.add(spec.name)
            else:
                late.append(spec)
        if len(late) == len(waiting):
            raise ModelFileError(f"layer {late[0].name!r} takes its input from a missing layer")
        waiting = late
    return ordered


def _specs(layers: Any) -> Iterator[LayerSpec]:
    if not isinstance(layers, list):
        raise ModelFileError("the model's architecture has no list of layers")
    if len(layers) > MAX_LAYERS:
        raise ModelFileError(f"the model has {len(layers)} layers; at most {MAX_LAYERS} are read")
    for number, layer in enumerate(layers):
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
            raise ModelFileError(f"layer {number} of the model's architecture is not readable")
        yield _spec(layer, number)


def _spec(layer: Config, number: int) -> LayerSpec:
    config = layer["config"]
    kind = layer.get("class_name")
    name = config.get("name") or layer.get("name") or f"layer_{number}"
    if not isinstance(kind, str) or not isinstance(name, str):
        raise ModelFileError(f"layer {number} of the model's architecture has no class or name")
    registered = layer.get("registered_name")
    module = layer.get("module") or "keras.layers"
    if registered not in (None, kind) or not str(module).startswith(("keras.", "tf_keras.", "tensorflow.keras.")):
        raise ModelFileError(f"layer {_short(name)} is a custom class ({_short(registered or module)}): never loaded")
    return LayerSpec(name, kind, config, tuple(_inbound(name, kind, layer.get("inbound_nodes") or [])))


def _inbound(name: str, kind: str, nodes: Any) -> Iterator[str]:
    """The names of a layer's input layers, from any dialect."""
    if not isinstance(nodes, list) or len(nodes) > 1:
        raise ModelFileError(f"layer {_short(name)} is used more than once, which is not supported")
    for node in nodes:
        if isinstance(node, dict):
            _check_call(name, kind, node.get("kwargs"))
            yield from _keras_tensors(node.get("args"))
        else:
            for entry in node if node and isinstance(node[0], list) else [node]:
                _check_call(name, kind, entry[3] if isinstance(entry, list) and len(entry) > 3 else {})
                yield _history(entry)


def _check_call(name: str, kind: str, arguments: Any) -> None:
    """Refuse call arguments that change the answer; Resizing and Rescaling, for instance, ignore `training`."""
    harmless = {"mask", "training"} if kind in ("Resizing", "Rescaling") else {"mask"}
    if isinstance(arguments, dict):
        effective = {key for key, value in arguments.items() if value not in (None, False) and key not in harmless}
        if not effective:
            return
    raise ModelFileError(f"layer {_short(name)} is called with further arguments, which is not supported")


def _keras_tensors(value: Any) -> Iterator[str]:
    """The layer names in Keras 3's `__keras_tensor__` objects, single or in lists."""
    if isinstance(value, list):
        for item in value:
            yield from _keras_tensors(item)
    elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield _history((value.get("config") or {}).get("keras_history"))
    else:
        raise ModelFileError(f"a layer is called on {_short(value)}, which is not a layer's output")


def _history_list(value: Any) -> list[str]:
    """The layer names in `[["dense", 0, 0]]`; Keras 3 writes a single one as `["dense", 0, 0]`."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    return [_history(item) for item in value] if isinstance(value, list) else []


def _history(value: Any) -> str:
    """The layer name in `["dense", 0, 0]`, which stands for the first output of its first call."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str) or value[1:3] != [0, 0]:
        raise ModelFileError(f"the model's graph refers to {_short(value)}, which is not a layer's only output")
    return value[0]


def _image_shape(config: Config) -> tuple[int | None, ...]:
    """The input shape, from `batch_shape` (Keras 3) or `batch_input_shape` (Keras 1 and 2)."""
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 4
        or not all(size is None or (type(size) is int and 0 < size <= 4096) for size in shape)
    ):
        raise ModelFileError(f"the model's input has shape {_short(shape)}; one image (rows, columns, 3) is needed")
    return tuple(shape[1:])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
