"""Learns a few steps of drawn images on this process's backend, and prints the devices, losses and averaged weights.

python learn_on_backend.py RECORDING FOLDER STEPS_AT_ONCE [resident]
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers

from training.data.images import TrainingImages
from training.data.samples import draw_epoch, load_drives
from training.run.devices import use_all_devices
from training.run.fast_layers import with_fast_layers
from training.run.network import WeightAverage
from training.run.recipe import Recipe
from training.run.steps.epoch import ahead, cut_epoch
from training.run.steps.learner import LearnerSetup, open_learner

RECIPE = replace(Recipe(), batch=4, steps=7)


def small_network() -> keras.Model:
    """A network with every kind of layer that has a faster form; its weights are drawn by NumPy."""
    network = keras.Sequential(
        [
            keras.Input((60, 320, 3), dtype="uint8"),
            layers.Rescaling(1 / 255, -0.5),
            layers.Conv2D(4, (2, 1), strides=(10, 10), padding="same"),
            layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False),
            layers.MaxPooling2D((2, 1), strides=(2, 2), padding="same"),
            layers.LeakyReLU(),
            layers.Flatten(),
            layers.Dense(6),
            layers.BatchNormalization(momentum=0.5),
            layers.Dense(1),
        ]
    )
    random = np.random.default_rng(3)
    network.set_weights([0.1 * random.normal(size=weight.shape) + (weight == 1) for weight in network.get_weights()])
    return network


def learn(recording: Path, folder: Path, at_once: int) -> None:
    """Print JSON: the devices, the losses of all steps, and the averaged weights in one list."""
    devices = use_all_devices(RECIPE.batch)
    images = TrainingImages(load_drives([recording], RECIPE, None, 1), folder, (80, 140), RECIPE, seed=1)
    network = with_fast_layers(small_network())
    network.compile(keras.optimizers.AdamW(1e-2))
    network.optimizer.build(network.trainable_variables)
    average = WeightAverage(network, 3)
    learner = open_learner(LearnerSetup(network, average, images.crops, images.hoods, 60, at_once, huber_width=0.05))
    draw = draw_epoch(load_drives([recording], RECIPE, None, 1), RECIPE, 1, 0)
    rates = np.linspace(1e-2, 1e-3, RECIPE.steps, dtype=np.float32)
    losses = []
    groups = cut_epoch(*images.vary(draw, 0), rates, average.shares(len(rates)), RECIPE.batch, at_once)
    for steps, count in ahead((learner.prepare(steps), count) for steps, count in groups):
        losses += learner.learn(steps, count).tolist()
    weights = np.concatenate([weight.reshape(-1) for weight in average.weights]).tolist()
    print(json.dumps({"devices": devices, "losses": losses, "weights": weights}))


if __name__ == "__main__":
    if "resident" in sys.argv:
        from training.run.steps import jax_steps

        jax_steps._fits = lambda crops, device: True  # as on a GPU with room for them
        jax_steps.COPIED_AT_ONCE = 50
    learn(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
