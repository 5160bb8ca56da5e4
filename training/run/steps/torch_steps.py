"""Training steps on PyTorch, operation by operation."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import torch
from keras import ops

from training.data.crops import Pixels
from training.data.variations import Variations
from training.run.steps.learner import STEPS_AT_ONCE, LearnerSetup, Steps


class TorchLearner:
    """The step on PyTorch."""

    def __init__(self, setup: LearnerSetup) -> None:
        self.at_once = setup.at_once or (STEPS_AT_ONCE if torch.cuda.is_available() else 1)
        self._setup = setup
        self._varied = partial(setup.variation, hoods=ops.convert_to_tensor(setup.hoods), rows=setup.rows)

    def prepare(self, steps: Steps) -> Steps:
        """Read the steps' crops."""
        return steps._replace(crops=self._setup.crops.take(steps.crops))

    def learn(self, steps: Steps, count: int) -> npt.NDArray[np.float32]:
        """Learn the first `count` of these steps; returns their losses (count,)."""
        tensors = keras.tree.map_structure(ops.convert_to_tensor, steps)
        losses = [self._descend(*keras.tree.map_structure(itemgetter(i), tensors)) for i in range(count)]
        return np.asarray(torch.stack(losses).cpu())

    def _descend(self, crops: Any, variations: Variations, steering: Any, rate: Any, share: Any) -> Any:
        network, optimizer = self._setup.network, self._setup.network.optimizer
        with torch.no_grad():
            images = self._varied(crops, variations)
        network.zero_grad()
        loss = self._setup.loss(network(images, training=True), steering)
        loss.backward()
        variables = network.trainable_variables
        with torch.no_grad():
            optimizer.learning_rate.assign(rate)
            optimizer.apply([variable.value.grad for variable in variables], variables)
            self._setup.average.update(share)
        return loss.detach()

    def vary(self, crops: Pixels, variations: Variations) -> Pixels:
        """Vary crops as a step does."""
        tensors = keras.tree.map_structure(ops.convert_to_tensor, variations)
        with torch.no_grad():
            images = self._varied(ops.convert_to_tensor(crops), tensors)
        return np.asarray(images.cpu())
