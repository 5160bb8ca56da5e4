"""Learn an epoch of digits on JAX by the study's steps and by Keras' `fit`, from the same weights; print JSON."""

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tests.study_samples import bar_images, settings
from training.run.fast_layers import with_fast_layers
from training.study.jax_epochs import JaxEpochs
from training.study.train import build, compile_for, loss_of, one_hot

CONFIGURATION = settings(model="baseline", optimizer=sys.argv[-1], block_dropout=0.1, label_smoothing=0.1)
DATA, RECIPE = bar_images(count=110), CONFIGURATION.recipe  # batches of 30 leave a rest
LABELS = one_hot(DATA.y_train)


def fit(network: keras.Model) -> tuple[float, float, list[int]]:
    """Learn three batches as Keras does; returns loss, accuracy, and no steps."""
    options = {"batch_size": RECIPE.batch, "shuffle": False, "verbose": 0}
    history = network.fit(DATA.x_train[:90], LABELS[:90], **options).history
    return history["loss"][0], history["accuracy"][0], []


def steps(network: keras.Model) -> tuple[float, float, list[int]]:
    """Learn two steps a call; returns loss, accuracy, and the steps of each call."""
    counts: list[int] = []
    epochs = JaxEpochs(network, loss_of(RECIPE), at_once=2)
    loss, accuracy = epochs.learn(DATA.x_train, LABELS, RECIPE.batch, lambda count, _: counts.append(count))
    return loss, accuracy, counts


def result(learn: Callable[[keras.Model], tuple[float, float, list[int]]]) -> list[Any]:
    """Loss, accuracy, the weights' size after the epoch, the optimizer's steps, and the steps of each call."""
    keras.utils.set_random_seed(1)
    network = with_fast_layers(build(CONFIGURATION, "float32"))
    compile_for(network, RECIPE, 3)
    loss, accuracy, counts = learn(network)
    size = sum(float(np.abs(weight).sum()) for weight in network.get_weights())
    return [float(loss), float(accuracy), size, int(network.optimizer.iterations.value), counts]


if __name__ == "__main__":
    print(json.dumps({way.__name__: result(way) for way in (fit, steps)}))
