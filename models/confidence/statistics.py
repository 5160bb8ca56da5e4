"""What a network notices in a frame, as a few hundred numbers: the means of its blocks, and the values in its head.

The first block is left out: its map is the largest, and the means of the next ones show noise, light and contrast too.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from keras import layers

HEAD_LAYERS = 2
"""The inputs of so many dense layers count, from the last one on."""


def statistics_of(model: Any) -> Any:
    """The symbolic statistics (n, d), float32, of a model of `models.steering` without a confidence.

    Each channel of the blocks' outputs gives its mean over rows and columns; each input of the last dense layers counts
    by itself. Raises ValueError for a network without two blocks.
    """
    blocks = _block_outputs(model)[1:]
    if not blocks:
        raise ValueError(f"{model.name} has no two blocks of convolutions, by which a confidence could be known")
    means = [layers.GlobalAveragePooling2D(name=f"{name}_mean", dtype="float32")(x) for name, x in blocks]
    heads = [layer.input for layer in model.layers if isinstance(layer, layers.Dense)][-HEAD_LAYERS:]
    block_means = layers.Concatenate(name="block_means", dtype="float32")(means)  # XNNPACK joins five at most
    return layers.Concatenate(name="confidence_statistics", dtype="float32")([block_means, *heads])


def _block_outputs(model: Any) -> list[tuple[str, Any]]:
    """Each block's name and output (n, rows, columns, channels): its layers' names begin with the block's."""
    maps = [
        (layer.name.partition("_")[0], layer.output)
        for layer in model.layers
        if len(layer.output.shape) == 4 and not isinstance(layer, layers.InputLayer | layers.Dropout)
    ]
    groups = [(name, list(group)) for name, group in groupby(maps, key=lambda item: item[0])]
    return [(name, group[-1][1]) for name, group in groups if name != "preprocess"]
