"""Training splits the model at its crop, computes in the fastest precision, and averages the weights.

The saved model is whole and float32. Training works on the layers behind its crop, so it never handles pixels that the
network does not see, and the preprocessing is defined once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from models.steering import builder
from protocol.messages import FRAME_ROWS
from training.data.viewpoint import Rows
from training.run.recipe import Recipe

Weights = list[npt.NDArray[np.float32]]

CROP_LAYER = "preprocess_crop"


@dataclass(frozen=True, slots=True)
class SplitModel:
    """whole: the model of raw frames; network: its layers behind the crop, with the same weights.

    rows: the first row of a frame that the crop keeps, and the first row below it. norms: the batch norms, in order of
    depth; norm_inputs: the layers before them, behind the crop, None without norms.
    """

    whole: keras.Model
    network: keras.Model
    rows: Rows
    norms: list[keras.layers.BatchNormalization]
    norm_inputs: keras.Model | None


def build(name: str, recipe: Recipe, precision: str) -> SplitModel:
    """Build an untrained model of models.steering. precision: "float32" or "mixed_bfloat16", with float32 weights."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = builder(name)(block_dropout=recipe.block_dropout, head_dropout=recipe.head_dropout)
    finally:
        keras.config.set_dtype_policy(policy)
    crop = model.get_layer(CROP_LAYER)
    (top, bottom), _ = crop.cropping
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    norm_inputs = keras.Model(crop.output, [norm.input for norm in norms]) if norms else None
    network = keras.Model(crop.output, model.output, name=name)
    return SplitModel(model, network, (top, FRAME_ROWS - bottom), norms, norm_inputs)


class WeightAverage:
    """An exponential average of a network's weights over about `horizon` updates, which a training step computes.

    At the start it averages over the last tenth of the updates, so the untrained weights soon leave it. updates: how
    many there were.
    """

    def __init__(self, network: keras.Model, horizon: int) -> None:
        self.horizon, self.updates = horizon, 0
        self.of = network.weights
        self.variables = [keras.Variable(np.array(w), trainable=False) for w in network.get_weights()]

    def shares(self, count: int) -> npt.NDArray[np.float32]:
        """Return the shares of the new weights in the next `count` updates, (count,)."""
        updates = self.updates + 1 + np.arange(count)
        return np.maximum(1.0 / self.horizon, 10.0 / (9.0 + updates)).astype(np.float32)

    def update(self, share: Any) -> None:
        """Add the network's weights to the average; the training step of a backend with variables calls this."""
        for mean, weight in zip(self.variables, self.of, strict=True):
            mean.assign(mean + share * (weight - mean))

    @property
    def weights(self) -> Weights:
        """The averaged weights, in the order of the network's own."""
        return [ops.convert_to_numpy(variable) for variable in self.variables]

    @weights.setter
    def weights(self, values: Weights) -> None:
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)


def settle_batch_norm(model: SplitModel, crops: Iterable[npt.NDArray[np.uint8]]) -> None:
    """Set every batch norm's mean and variance to those of its input over `crops`, in order of depth.

    Running averages lag behind weights that change, and averaged weights have none; the error is a constant pull to one
    side. crops: batches of uint8 (n, rows, columns, 3), a thousand images or more.
    """
    if model.norm_inputs is None:
        return
    batches = list(crops)
    for number, norm in enumerate(model.norms):
        parts = [keras.tree.flatten(model.norm_inputs.predict_on_batch(batch))[number] for batch in batches]
        values = np.concatenate([np.asarray(part).astype(np.float32) for part in parts])
        norm.moving_mean.assign(values.mean(axis=0))
        norm.moving_variance.assign(values.var(axis=0))


def save_model(model: keras.Model, out: Path) -> None:
    """Save a whole model as `out`, a .h5 file, which is never there by half. Raises OSError."""
    partial = out.with_name(out.stem + ".partial.h5")
    model.save(partial)
    os.replace(partial, out)
