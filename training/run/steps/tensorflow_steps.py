"""Training steps on TensorFlow: one traced function a step.

On a CPU only the augmentation is compiled by XLA, which fuses its many passes over the pixels into few; the network's
own kernels are faster without it. On a GPU the whole step is compiled. Python dispatches the steps ahead of the device
and reads their losses together.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.data.crops import Pixels
from training.data.variations import Variations
from training.run.steps.learner import STEPS_AT_ONCE, LearnerSetup, Steps
from training.run.steps.xla import compiles_steps, has_xla


class TensorFlowLearner:
    """The step on TensorFlow."""

    def __init__(self, setup: LearnerSetup) -> None:
        is_compiled = compiles_steps()
        self.at_once = setup.at_once or (STEPS_AT_ONCE if is_compiled else 1)
        self._network, self._average, self._crops = setup.network, setup.average, setup.crops
        self._loss = setup.loss
        hoods = tf.constant(setup.hoods)
        self._varied = tf.function(
            lambda crops, variations: setup.variation(crops, variations, hoods, setup.rows), jit_compile=has_xla()
        )
        self._step = tf.function(self._descend, jit_compile=is_compiled)

    def _descend(self, crops: Any, variations: Variations, steering: Any, rate: Any, share: Any) -> Any:
        network, optimizer = self._network, self._network.optimizer
        images = self._varied(crops, variations)
        with tf.GradientTape() as tape:
            loss = self._loss(network(images, training=True), steering)
        optimizer.learning_rate.assign(rate)
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        self._average.update(share)
        return loss

    def prepare(self, steps: Steps) -> Steps:
        """Read the steps' crops."""
        return steps._replace(crops=self._crops.take(steps.crops))

    def learn(self, steps: Steps, count: int) -> npt.NDArray[np.float32]:
        """Learn the first `count` of these steps; returns their losses (count,)."""
        losses = []
        for number in range(count):
            batch = tf.nest.map_structure(itemgetter(number), steps)
            losses.append(self._step(*tf.nest.map_structure(tf.constant, batch)))
        return np.asarray(tf.stack(losses))

    def vary(self, crops: Pixels, variations: Variations) -> Pixels:
        """Vary crops as a step does."""
        return np.asarray(self._varied(tf.constant(crops), tf.nest.map_structure(tf.constant, variations)))
