"""Training splits the model at its crop, computes in the fastest precision, and averages the weights.

The saved model is whole and float32. Training works on the layers behind its crop, so it never handles pixels that the
network does not see, and the preprocessing is defined once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from models.steering import BUILDERS
from training.data.pipeline import crop_rows
from training.run.recipe import Recipe

Weights = list[npt.NDArray[np.float32]]

CROP_LAYER = "preprocess_crop"


@dataclass(frozen=True, slots=True)
class SplitModel:
    """whole: the model of raw frames; network: its layers behind the crop, with the same weights.

    rows: the first row of a frame that the crop keeps, and the first row below it.
    """

    whole: keras.Model
    network: keras.Model
    rows: tuple[int, int]


def build(name: str, recipe: Recipe, precision: str) -> SplitModel:
    """Build an untrained model of models.steering. precision: "float32" or "mixed_bfloat16", with float32 weights."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = BUILDERS[name](block_dropout=recipe.block_dropout, head_dropout=recipe.head_dropout)
    finally:
        keras.config.set_dtype_policy(policy)
    crop = model.get_layer(CROP_LAYER)
    return SplitModel(model, keras.Model(crop.output, model.output, name=name), crop_rows(crop.cropping))


class WeightAverage:
    """An exponential average of weights over about `horizon` updates.

    At the start it averages over the last tenth of the updates, so the untrained weights soon leave it.
    """

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self.updates = 0
        self.weights: Weights = []

    def update(self, weights: Weights) -> None:
        """Add the weights after one more step to the average."""
        self.updates += 1
        share = max(1.0 / self.horizon, 10.0 / (9.0 + self.updates))
        if not self.weights:
            self.weights = [np.array(w) for w in weights]
            return
        for mean, new in zip(self.weights, weights, strict=True):
            np.add(mean, share * (new - mean), out=mean)


def settle_batch_norm(model: SplitModel, crops: Iterable[npt.NDArray[np.uint8]]) -> None:
    """Set every batch norm's mean and variance to those of its input over `crops`, in order of depth.

    Running averages lag behind weights that change, and averaged weights have none; the error is a constant pull to one
    side. crops: batches of uint8 (n, rows, columns, 3), a thousand images or more.
    """
    norms = [layer for layer in model.whole.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    batches = list(crops)
    for norm in norms:
        before = keras.Model(model.whole.get_layer(CROP_LAYER).output, norm.input)
        values = np.concatenate([np.asarray(before.predict_on_batch(b)).astype(np.float32) for b in batches])
        norm.moving_mean.assign(values.mean(axis=0))
        norm.moving_variance.assign(values.var(axis=0))
