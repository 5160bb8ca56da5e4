"""Gives a steering network its second output, `confidence`, of built-in layers, so that any tool can read the file."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from models.confidence.density import EPSILON, Density
from models.confidence.statistics import statistics_of

LAYERS = "confidence"
"""Prefix of the names of the layers that have the confidence's parameters."""


def steering_parameters(model: keras.Model) -> int:
    """The number of a model's parameters without those of its confidence."""
    return sum(layer.count_params() for layer in model.layers if not layer.name.startswith(LAYERS))


def with_confidence(model: keras.Model, density: Density) -> keras.Model:
    """A model with the outputs `steering` and `confidence`, float32 (n, 1) each, and the same layers as `model`.

    model: of `models.steering`; density: of its statistics. The confidence is 0..1, and 0.5 where it begins to guess.
    """
    statistics = statistics_of(model)
    axes = density.axes.shape[1]
    norm = layers.BatchNormalization(epsilon=EPSILON, center=False, scale=False, name="confidence_norm")
    directions = layers.Dense(axes, use_bias=False, dtype="float32", name="confidence_axes")
    answer = layers.Dense(1, activation="sigmoid", dtype="float32", name="confidence")
    standard_values = norm(statistics)
    along = directions(standard_values)
    squares = [
        layers.Multiply(name=name)([x, x])
        for name, x in (("confidence_square", standard_values), ("axes_square", along))
    ]
    confidence = answer(layers.Concatenate(name="confidence_squares")(squares))
    norm.set_weights([density.mean, density.variance])
    directions.set_weights([density.axes])
    weights = -density.slope * density.square_weights[:, np.newaxis]
    answer.set_weights([weights, np.array([density.slope * density.limit])])
    return keras.Model(model.input, [*model.outputs, confidence], name=model.name)
