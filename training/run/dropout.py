"""Dropout is repeatable: the same seed and epoch drop the same values, also in a run that was interrupted."""

from __future__ import annotations

import keras
import numpy as np


def reseed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Give every dropout layer its own random stream for this epoch."""
    for number, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign(np.array([seed + 1000 * epoch, number], np.uint32))
