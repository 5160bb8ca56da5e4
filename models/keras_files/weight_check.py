"""Compares the shapes of all weights with the file's before any layer is built, which takes most of the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.keras_files.architecture import Architecture
from models.keras_files.layers.layer_catalogue import weight_shapes
from models.keras_files.layers.layer_settings import LayerSettings, Shape
from models.keras_files.layers.slices import SLICE
from models.keras_files.layers.steps import runs_over_steps
from models.keras_files.weights import LayerGroup


def check_weights(
    architecture: Architecture,
    settings: Mapping[str, LayerSettings],
    layers: Mapping[str, Any],
    groups: Mapping[Any, LayerGroup],
    inputs: Mapping[str, Shape],
) -> None:
    """Raise ModelFileError, which names the layer, for weights of another shape than the network needs.

    layers: without those that are left out. inputs: shapes of the network's inputs. What follows a layer whose output's
    shape Keras does not tell in advance is left to the building of the layers.
    """
    shapes: dict[str, Shape | None] = dict(inputs)
    for spec in architecture.layers:
        sources = [shapes[name] for name in spec.inputs]
        known = [shape for shape in sources if shape is not None]
        if len(known) < len(sources) or not known:
            shapes[spec.name] = None
        elif spec.name not in layers:
            shapes[spec.name] = known[0]
        else:
            shapes[spec.name] = _check(settings[spec.name], layers[spec.name], groups.get(spec.path), known)


def _check(settings: LayerSettings, layer: Any, group: LayerGroup | None, inputs: list[Shape]) -> Shape | None:
    """Check one layer; return the shape of its output, or None where it is not known."""
    steps: Shape = ()
    if runs_over_steps(settings):
        steps, inputs = inputs[0][:1], [shape[1:] for shape in inputs]
    needed = weight_shapes(settings, inputs[0])
    if group and needed:
        group.check(settings.name, needed)
    output = _output_shape(layer(inputs[0]) if settings.kind == SLICE else layer, inputs)
    return None if output is None else (*steps, *output)


def _output_shape(layer: Any, inputs: list[Shape]) -> Shape | None:
    """The shape of a layer's output, for inputs of these shapes; None where Keras does not tell it in advance."""
    shapes = [(None, *shape) for shape in inputs]
    try:
        _, *output = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
    except Exception:  # of many types; where the layer does not fit, building it says so
        return None
    return tuple(output) if all(isinstance(size, int) for size in output) else None
