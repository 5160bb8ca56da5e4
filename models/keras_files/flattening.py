"""Flattens models inside models, and layers that are called twice, into one list of layers.

A nested model has no weights of its own, so its layers take its place. A layer that is called twice stands in the list
twice, with the same weights. Each layer of the list follows its input layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from models.keras_files.calls import Call, Reference, check_call, read_calls, read_history, short
from models.keras_files.classes import inner_layer, require_keras_class
from models.keras_files.layers.operations import as_layer
from models.keras_files.weights import ModelFileError

MAX_LAYERS = 1000
MAX_DEPTH = 8
MAX_OUTPUTS = 20
MAX_INPUTS = 8

Config = dict[str, Any]

SEQUENTIAL = "Sequential"
MODELS = (SEQUENTIAL, "Functional", "Model")
"""The classes of models; "Model" is the name of a functional model until Keras 2.3."""

TIME_DISTRIBUTED = "TimeDistributed"


class ModelPart(NamedTuple):
    """A layer or nested model on the way from the outermost model to a layer. kind: its class, as in the file."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One call of a layer: its class name and settings as in the file, and the names of its input layers.

    name: unique in the flat model, such as "base/conv" for the layer `conv` of the nested model `base`.
    path: from the outermost model to the layer; all calls of one layer have the same.
    """

    name: str
    kind: str
    config: Config
    inputs: tuple[str, ...]
    path: tuple[ModelPart, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer or nested model as one level of the file describes it."""

    name: str
    kind: str
    config: Any
    calls: list[Call]


@dataclass(slots=True)
class Flattener:
    """Collects the flat list. layers: so far."""

    layers: list[LayerSpec] = field(default_factory=list)
    count: int = 0

    def add_model(
        self, kind: object, config: Any, source: str | None, path: tuple[ModelPart, ...] = (), call: str = ""
    ) -> dict[str, str]:
        """Add the layers of a model whose input is the layer `source`; None for the outermost model's own inputs.

        Return its outputs: by each one's name in the model, the name of its layer in the flat list.

        call: a suffix that tells the calls of one nested model apart.
        Raises ModelFileError if the model is not one that can be read.
        """
        if len(path) > MAX_DEPTH:
            raise ModelFileError(f"{path[0].name!r} nests models more than {MAX_DEPTH} deep")
        if kind == SEQUENTIAL:
            layers, output = _chain(config)
            outputs = {output.layer: output}
        else:
            layers, outputs = _graph(config, MAX_INPUTS if source is None else 1)
        offsets = _offsets(layers, outputs.values())
        inputs_of_model = [layer.name for layer in layers if layer.kind == "InputLayer"]
        names = {Reference(name, 0): name if source is None else source for name in inputs_of_model}
        waiting = [
            (layer, number, [_shifted(reference, offsets) for reference in layer.calls[number].references])
            for layer in layers
            for number in range(len(layer.calls))
        ]
        while waiting:
            next_round = []
            for layer, number, references in waiting:
                if not all(reference in names for reference in references):
                    next_round.append((layer, number, references))
                    continue
                inputs = [names[reference] for reference in references]
                suffix = f"{call} (call {number + 1})" if number else call
                names[Reference(layer.name, number)] = self._add(layer, layer.calls[number], inputs, path, suffix)
            if len(next_round) == len(waiting):
                raise ModelFileError(f"layer {next_round[0][0].name!r} takes its input from a missing layer")
            waiting = next_round
        for output in outputs.values():
            if _shifted(output, offsets) not in names:
                raise ModelFileError(f"the model's output {short(output.layer)} is not one of its layers")
        return {name: names[_shifted(output, offsets)] for name, output in outputs.items()}

    def _add(self, layer: _Layer, call: Call, inputs: list[str], path: tuple[ModelPart, ...], suffix: str) -> str:
        """Add one call of a layer or nested model; return the name of the layer with its output."""
        self.count += 1
        if self.count > MAX_LAYERS:
            raise ModelFileError(f"the model has more layers than the {MAX_LAYERS} that are read")
        path = (*path, ModelPart(layer.name, layer.kind))
        if layer.kind == TIME_DISTRIBUTED:
            check_call(layer.name, layer.kind, call)
            kind, config = inner_layer(layer.name, layer.config.get("layer"))
            if kind in MODELS:  # its layers are wrapped one by one
                name = config.get("name") if isinstance(config, dict) else None
                layer = _Layer(name if isinstance(name, str) else kind, kind, config, layer.calls)
                path = (*path, ModelPart(layer.name, kind))
        if layer.kind in MODELS:
            check_call(layer.name, layer.kind, call)
            if len(inputs) != 1:
                raise ModelFileError(f"the nested model {short(layer.name)} has {len(inputs)} inputs, not one")
            outputs = self.add_model(layer.kind, layer.config, inputs[0], path, suffix)
            if len(outputs) != 1:
                raise ModelFileError(f"the nested model {short(layer.name)} has {len(outputs)} outputs, not one")
            return next(iter(outputs.values()))
        name = "/".join(step.name for step in path) + suffix
        operation = as_layer(name, layer.kind, layer.config, call)
        if operation is None:
            check_call(layer.name, layer.kind, call)
            operation = layer.kind, layer.config
            if layer.kind == "MultiHeadAttention":
                inputs = _self_attention(layer, inputs)
        if any(step.kind == TIME_DISTRIBUTED for step in path[:-1]):
            kind, config = operation
            operation = TIME_DISTRIBUTED, {"name": name, "layer": {"class_name": kind, "config": config}}
        self.layers.append(LayerSpec(name, *operation, tuple(inputs), path))
        return name


def input_configs(kind: object, config: Any, depth: int = 0) -> list[tuple[str, Config]]:
    """Names and settings of a model's input layers. A Sequential's may stand in a nested model that comes first."""
    if depth > MAX_DEPTH:
        raise ModelFileError(f"the model nests models more than {MAX_DEPTH} deep")
    if kind != SEQUENTIAL:
        layers, _ = _graph(config, 1 if depth else MAX_INPUTS)
        return [(layer.name, layer.config) for layer in layers if layer.kind == "InputLayer"]
    first, *others = _chain(config)[0]
    if first.name == "" and others[0].kind in MODELS:
        return input_configs(others[0].kind, others[0].config, depth + 1)
    shape = config.get("build_input_shape") if isinstance(config, dict) else None
    return [(first.name, {"batch_input_shape": shape, **first.config})]


def _chain(config: Any) -> tuple[list[_Layer], Reference]:
    """The layers of a Sequential model; Keras 1 writes a bare list of layers, later versions an object with it."""
    layers = list(_layers(config.get("layers") if isinstance(config, dict) else config))
    if not layers:
        raise ModelFileError("the model has no layers")
    if layers[0].kind != "InputLayer":
        layers.insert(0, _Layer("", "InputLayer", layers[0].config, []))
    chain = [layers[0]]
    for before, layer in pairwise(layers):
        chain.append(_Layer(layer.name, layer.kind, layer.config, [Call({0: Reference(before.name, 0)})]))
    _require_unique(chain)
    return chain, Reference(chain[-1].name, 0)


def _graph(config: Any, max_inputs: int) -> tuple[list[_Layer], dict[str, Reference]]:
    """The layers and the outputs, by name, of a functional model of at most `max_inputs` inputs.

    Outputs have their layers' names, or in a model that was made with a dictionary of outputs its keys.
    """
    if not isinstance(config, dict) or "output_layers" not in config:
        raise ModelFileError("a functional model in the file names no output layer")
    layers = list(_layers(config.get("layers")))
    inputs = [layer for layer in layers if layer.kind == "InputLayer"]
    outputs = config["output_layers"]
    if isinstance(outputs, list) and outputs and isinstance(outputs[0], str):
        outputs = [outputs]  # Keras 3 writes a single one as ["dense", 0, 0]
    count = len(outputs) if isinstance(outputs, list | dict) else 0
    if not 0 < len(inputs) <= max_inputs or not 0 < count <= MAX_OUTPUTS:
        raise ModelFileError(
            f"the model has {len(inputs)} inputs and {count} outputs; it may have up to {max_inputs} and {MAX_OUTPUTS}"
        )
    _require_unique(layers)
    if isinstance(outputs, dict):
        return layers, {name: read_history(output) for name, output in outputs.items()}
    references = [read_history(output) for output in outputs]
    return layers, {reference.layer: reference for reference in references}


def _require_unique(layers: Iterable[_Layer]) -> None:
    names = [layer.name for layer in layers]
    if len(set(names)) < len(names):
        raise ModelFileError("two layers of the model have the same name")


def _layers(layers: Any) -> Iterator[_Layer]:
    if not isinstance(layers, list):
        raise ModelFileError("the model's architecture has no list of layers")
    if len(layers) > MAX_LAYERS:
        raise ModelFileError(f"the model has {len(layers)} layers; at most {MAX_LAYERS} are read")
    for number, layer in enumerate(layers):
        kind = layer.get("class_name") if isinstance(layer, dict) else None
        config = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(config, dict) and not (kind == SEQUENTIAL and isinstance(config, list)):
            raise ModelFileError(f"layer {number} of the model's architecture is not readable")
        yield _layer(layer, kind, config, number)


def _layer(layer: Config, kind: object, config: Any, number: int) -> _Layer:
    inner_name = config.get("name") if isinstance(config, dict) else None
    name = inner_name or layer.get("name") or f"layer_{number}"
    if not isinstance(kind, str) or not isinstance(name, str):
        raise ModelFileError(f"layer {number} of the model's architecture has no class or name")
    require_keras_class(name, kind, layer)
    return _Layer(name, kind, config, read_calls(name, layer.get("inbound_nodes") or []))


def _offsets(layers: list[_Layer], outputs: Iterable[Reference]) -> dict[str, int]:
    """The number of the first call by layer: Keras 2 counts the calls of a nested model from 1, not from 0."""
    last = {output.layer: output.node for output in outputs}
    for layer in layers:
        for call in layer.calls:
            for reference in call.references:
                last[reference.layer] = max(reference.node, last.get(reference.layer, 0))
    models = [layer for layer in layers if layer.kind in MODELS]
    return {layer.name: 1 for layer in models if last.get(layer.name) == len(layer.calls)}


def _shifted(reference: Reference, offsets: dict[str, int]) -> Reference:
    return Reference(reference.layer, reference.node - offsets.get(reference.layer, 0))


def _self_attention(layer: _Layer, inputs: list[str]) -> list[str]:
    if len(set(inputs)) != 1:
        raise ModelFileError(
            f"layer {short(layer.name)} attends from one tensor to another; only one alone can be read"
        )
    return inputs[:1]
