"""Count a network's parameters and multiply-accumulates, layer by layer.

Counters disagree by factors of two and more. This one counts a multiply-accumulate for each use of a trained kernel's
weight in one frame; a recurrent layer uses its weights at each step of the sequence. It omits biases, activations,
pooling, the fixed preprocessing, the products of queries and keys, and normalisation, which can be folded into the
adjacent layer. It also omits the confidence, so that networks with and without one can be compared.

    python -m models.cost models/eff.h5 model.h5:course
    python -m models.cost eff eff-small pilotnet
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models import NETWORK_NAMES, is_network
from models.adapter.text import model_source
from protocol.command_line import command_parser, run

OMITTED_LAYERS = ("preprocess_", "confidence")
"""Prefixes of the layer names that `models.preprocessing` and `models.confidence` make."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """The cost of one layer. shape: of its output for one frame."""

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_accumulates: int


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a network. parameters: all numbers that it steers with, including batch norm's running averages."""

    parameters: int
    multiply_accumulates: int
    layers: tuple[LayerCost, ...]


def cost(model: Any) -> Cost:
    """The cost of a Keras model for one frame.

    Each layer must be called once, as in the models of `models.loading` and `models.steering`. Raises ValueError for a
    layer whose use of weights is unknown.
    """
    layers = tuple(_layer_cost(layer) for layer in model.layers if not layer.name.startswith(OMITTED_LAYERS))
    return Cost(sum(layer.parameters for layer in layers), sum(layer.multiply_accumulates for layer in layers), layers)


def _layer_cost(layer: Any) -> LayerCost:
    shape = tuple(int(size) for size in layer.output.shape[1:])
    return LayerCost(layer.name, type(layer).__name__, shape, layer.count_params(), _multiply_accumulates(layer))


def _multiply_accumulates(layer: Any) -> int:
    """The weights of a layer's kernels, times the places or steps at which each is used."""
    from keras import layers  # noqa: PLC0415 - Keras takes seconds; --help should not

    convolutions = layers.Conv1D | layers.Conv2D | layers.Conv3D | layers.Conv2DTranspose | layers.DepthwiseConv2D
    if isinstance(layer, layers.PReLU) or all(len(weight.shape) < 2 for weight in layer.weights):
        return 0  # normalisations and scalings have only a number for each channel
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, layers.MultiHeadAttention):
        names = ("query_dense", "key_dense", "value_dense", "output_dense")
        kernels = [getattr(layer, f"_{name}").kernel for name in names]
    elif isinstance(layer, layers.Bidirectional):
        kernels = [*_recurrent_kernels(layer.forward_layer), *_recurrent_kernels(layer.backward_layer)]
    elif isinstance(layer, layers.RNN):
        kernels = _recurrent_kernels(layer)
    elif isinstance(layer, convolutions | layers.Dense):
        kernels = [layer.kernel]
    else:
        raise ValueError(f"{type(layer).__name__} {layer.name!r}: how often it uses its weights is unknown")
    return sum(math.prod(kernel.shape) for kernel in kernels) * _places(layer)


def _recurrent_kernels(layer: Any) -> list[Any]:
    return [layer.cell.kernel, layer.cell.recurrent_kernel]


def _places(layer: Any) -> int:
    """How often each weight is used: once at each place of the output, in dense, grouped and depthwise layers too.

    A transposed convolution spreads each place of its input, and a recurrent layer takes one step for each.
    """
    from keras import layers  # noqa: PLC0415

    takes_steps = isinstance(layer, layers.Conv2DTranspose | layers.RNN | layers.Bidirectional)
    shape = (layer.input if takes_steps else layer.output).shape[1:]
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return math.prod(shape[1:] if first else shape[:-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each model; for an invalid model, print one line to stderr and return 2."""
    return run(lambda: _print_all(_parser().parse_args(arguments).models), "")


def _print_all(names: Sequence[str]) -> None:
    for name in names:
        _print(name, cost(_model(name)))


def _model(name: str) -> Any:
    if is_network(name):
        from models.steering import builder  # noqa: PLC0415

        return builder(name)()
    from models.loading import load_steering_model  # noqa: PLC0415

    source = model_source(name)
    return load_steering_model(source.path, source.preprocess).model


def _print(name: str, total: Cost) -> None:
    print(f"{name:<40}{'parameters':>12}{'multiply-accumulates':>22}")
    for layer in total.layers:
        if layer.parameters:
            shape = " x ".join(map(str, layer.shape))
            print(f"  {layer.layer:<20}{shape:>18}{layer.parameters:>12,}{layer.multiply_accumulates:>22,}")
    print(f"  {'all':<38}{total.parameters:>12,}{total.multiply_accumulates:>22,}\n")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m models.cost", __doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL[:TEXT]", help=f"a model file, or {NETWORK_NAMES}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
