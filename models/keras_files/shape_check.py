"""Follows shapes through a network before any of its layers is built, and compares the file's weights with them.

Building takes most of the time of loading, seconds with hundreds of layers. So a file whose weights do not fit, or that
asks for too much, is refused before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from models.keras_files.architecture import Architecture
from models.keras_files.assignment import Groups
from models.keras_files.layers.layer_catalogue import count_parameters, weight_shapes
from models.keras_files.layers.layer_settings import LayerSettings, Shape
from models.keras_files.layers.slices import SLICE
from models.keras_files.layers.steps import runs_over_steps, step_count

MAX_PARAMETERS = 100_000_000
MAX_ACTIVATIONS = 1 << 25
"""Most numbers in one layer's output for one frame: 128 MB."""


def check_weights(
    architecture: Architecture,
    settings: Mapping[str, LayerSettings],
    layers: Mapping[str, Any],
    groups: Groups,
    inputs: Mapping[str, Shape],
) -> None:
    """Raise ModelFileError, which names the layer, where weights do not fit or sizes are too large.

    layers: not yet built, without the skipped ones. inputs: the shapes of the network's inputs. What follows a layer
    whose output's shape Keras does not tell in advance is left to `building`, which checks each layer again.
    """
    shapes: dict[str, Shape | None] = dict(inputs)
    for spec in architecture.layers:
        sources = [shape for name in spec.inputs if (shape := shapes[name]) is not None]
        if len(sources) < len(spec.inputs) or not sources:
            shapes[spec.name] = None
        elif spec.name in layers:
            group = groups.get(spec.path)
            shapes[spec.name] = _checked(settings[spec.name], layers[spec.name], sources, group)
        else:
            shapes[spec.name] = sources[0]


def _checked(settings: LayerSettings, layer: Any, sources: list[Shape], group: Any) -> Shape | None:
    """The shape of one layer's output, None if unknown, after the checks."""
    steps = (step_count(settings, sources[0]),) if runs_over_steps(settings) else ()
    own = [shape[len(steps) :] for shape in sources]
    needed = required_weights(settings, own[0])
    if group and needed:
        group.check(settings.name, needed)
    output = _output_shape(layer(own[0]) if settings.kind == SLICE else layer, own)
    if output is None:
        return None
    require_size(settings, (*steps, *output))
    return (*steps, *output)


def required_weights(settings: LayerSettings, shape: Shape) -> list[Shape]:
    """The shapes of a layer's weights. Raises ModelFileError where they are too many."""
    shapes = weight_shapes(settings, shape)
    count = count_parameters(shapes)
    if count > MAX_PARAMETERS:
        raise settings.wrong(f"it would have {count:,} parameters")
    return shapes


def require_size(settings: LayerSettings, shape: Shape) -> None:
    """Raise ModelFileError where a layer's output is too large."""
    if math.prod(size or 1 for size in shape) > MAX_ACTIVATIONS:
        raise settings.wrong(f"its output of shape {shape} exceeds that of any camera network")


def _output_shape(layer: Any, sources: list[Shape]) -> Shape | None:
    """The shape of a layer's output, for inputs of these shapes; None where Keras does not tell it in advance."""
    shapes = [(None, *shape) for shape in sources]
    try:
        _, *output = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
    except Exception:  # of many types; where the layer does not fit, `building` says so
        return None
    return tuple(output) if all(isinstance(size, int) for size in output) else None
