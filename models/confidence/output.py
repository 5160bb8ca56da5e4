"""Gives a steering network its second output, `confidence`, of built-in layers, so that any tool can read the file."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from models.confidence.classifier import EPSILON, LIMIT, FrameClassifier
from models.confidence.statistics import statistics_of

LAYERS = "confidence"
"""Prefix of the names of the layers that have the confidence's parameters."""


def steering_parameters(model: keras.Model) -> int:
    """The number of a model's parameters without those of its confidence."""
    return sum(layer.count_params() for layer in model.layers if not layer.name.startswith(LAYERS))


def with_confidence(model: keras.Model, classifier: FrameClassifier) -> keras.Model:
    """A model with the outputs `steering` and `confidence`, float32 (n, 1) each, and the same layers as `model`.

    model: of `models.steering`; classifier: of its statistics. The confidence is 0..1, and 0.5 where it begins to
    guess.
    """
    norm = layers.BatchNormalization(epsilon=EPSILON, center=False, scale=False, name="confidence_norm")
    answer = layers.Dense(1, activation="sigmoid", dtype="float32", name="confidence")
    values = norm(statistics_of(model))
    above = layers.ReLU(LIMIT, name="confidence_above")(values)
    below = layers.ReLU(LIMIT, name="confidence_below")(layers.Rescaling(-1.0, name="confidence_minus")(values))
    confidence = answer(layers.Concatenate(name="confidence_distances")([above, below]))
    norm.set_weights([classifier.mean, classifier.variance])
    weights = np.concatenate([classifier.above, classifier.below])
    answer.set_weights([weights[:, np.newaxis], np.array([classifier.bias])])
    return keras.Model(model.input, [*model.outputs, confidence], name=model.name)
