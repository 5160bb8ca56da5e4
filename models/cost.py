"""What a network costs: parameters and multiply-accumulates, layer by layer.

The usual counters disagree by factors of two and more, for each counts other things; here the convention is stated: one
multiply-accumulate for each use of a trained kernel's weight in one frame. Biases, activations, normalisation (which
folds into its neighbour), pooling, and the fixed arithmetic of the preprocessing are not counted.

    python -m models.cost models/eff.h5
    python -m models.cost eff eff-small pilotnet
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import NETWORKS
from protocol.command_line import command_parser, run

PREPROCESSING_LAYERS = "preprocess_"
"""How the names of the layers begin that models.preprocessing makes."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer: its name and class, the shape it makes of one frame, its parameters and multiply-accumulates."""

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_accumulates: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a whole network. parameters: all that a file holds of it, a batch norm's running averages included."""

    parameters: int
    multiply_accumulates: int
    layers: tuple[LayerCost, ...]


def cost(model: Any) -> Cost:
    """The cost of a Keras model for one frame; its layers are called once each, as models.loading and steering build.

    Raises ValueError for a layer whose uses of weights cannot be told, such as a recurrent one.
    """
    layers = tuple(_layer_cost(layer) for layer in model.layers if not layer.name.startswith(PREPROCESSING_LAYERS))
    return Cost(sum(each.parameters for each in layers), sum(each.multiply_accumulates for each in layers), layers)


def _layer_cost(layer: Any) -> LayerCost:
    shape = tuple(int(size) for size in layer.output.shape[1:])
    return LayerCost(layer.name, type(layer).__name__, shape, layer.count_params(), _multiply_accumulates(layer))


def _multiply_accumulates(layer: Any) -> int:
    """Every weight of a kernel is used once at each place of the output: so for dense, grouped and depthwise ones."""
    from keras import layers  # noqa: PLC0415 - Keras takes seconds; --help should not

    if not layer.weights or isinstance(layer, layers.BatchNormalization | layers.PReLU):
        return 0
    if isinstance(layer, layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Dense):
        kernels = [layer.kernel]
    else:
        raise ValueError(f"{type(layer).__name__} {layer.name!r}: how often its weights are used is not known")
    shape = layer.output.shape[1:]
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    places = math.prod(shape[1:] if first else shape[:-1])
    return sum(math.prod(kernel.shape) for kernel in kernels) * places


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each model; exit code 2 and one line on stderr for what is no model."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = _parser().parse_args(arguments)
    return run(lambda: _print_all(options.models), "")


def _print_all(names: Sequence[str]) -> None:
    for name in names:
        _print(name, cost(_model(name)))


def _model(name: str) -> Any:
    if name in NETWORKS:
        from models.steering import BUILDERS  # noqa: PLC0415

        return BUILDERS[name]()
    from models.loading import load_steering_model  # noqa: PLC0415

    return load_steering_model(Path(name)).model


def _print(name: str, found: Cost) -> None:
    print(f"{name:<40}{'parameters':>12}{'multiply-accumulates':>22}")
    for each in found.layers:
        if each.parameters:
            shape = " x ".join(map(str, each.shape))
            print(f"  {each.layer:<20}{shape:>18}{each.parameters:>12,}{each.multiply_accumulates:>22,}")
    print(f"  {'all':<38}{found.parameters:>12,}{found.multiply_accumulates:>22,}\n")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m models.cost", __doc__)
    names = ", ".join(NETWORKS)
    parser.add_argument("models", nargs="+", metavar="MODEL", help=f"a model file, or one of {names}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
