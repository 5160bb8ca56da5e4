"""Dropout that can be repeated: the same seed and epoch drop the same, also in a run that was interrupted."""

from __future__ import annotations

import keras
import numpy as np


def reseed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Give every dropout layer its own random stream for this epoch, so that an epoch can be repeated exactly."""
    for number, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign(np.array([seed + 1000 * epoch, number], np.uint32))
