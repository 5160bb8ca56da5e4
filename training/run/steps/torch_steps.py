"""Training steps on PyTorch, operation by operation."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import torch
from keras import ops

from training.data.augment import augment
from training.data.crops import Crops, Pixels
from training.data.variations import Variations
from training.run.network import WeightAverage
from training.run.steps.learner import STEPS_AT_ONCE, Steps, squared_error


class TorchLearner:
    """The step of `network` on PyTorch; the parameters are those of `open_learner`."""

    def __init__(
        self,
        network: keras.Model,
        average: WeightAverage,
        crops: Crops,
        hoods: Pixels,
        rows: int,
        at_once: int | None = None,
    ) -> None:
        self.at_once = at_once or (STEPS_AT_ONCE if torch.cuda.is_available() else 1)
        self._network, self._average, self._crops, self._rows = network, average, crops, rows
        self._hoods = ops.convert_to_tensor(hoods)

    def prepare(self, steps: Steps) -> Steps:
        """Read the steps' crops."""
        return steps._replace(crops=self._crops.take(steps.crops))

    def learn(self, steps: Steps, count: int) -> npt.NDArray[np.float32]:
        """Learn the first `count` of these steps; returns their losses (count,)."""
        tensors = keras.tree.map_structure(ops.convert_to_tensor, steps)
        losses = [self._descend(*keras.tree.map_structure(itemgetter(i), tensors)) for i in range(count)]
        return np.asarray(torch.stack(losses).cpu())

    def _descend(self, crops: Any, variations: Variations, steering: Any, rate: Any, share: Any) -> Any:
        network, optimizer = self._network, self._network.optimizer
        with torch.no_grad():
            images = augment(crops, variations, self._hoods, self._rows)
        network.zero_grad()
        loss = squared_error(network(images, training=True), steering)
        loss.backward()
        variables = network.trainable_variables
        with torch.no_grad():
            optimizer.learning_rate.assign(rate)
            optimizer.apply([variable.value.grad for variable in variables], variables)
            self._average.update(share)
        return loss.detach()

    def vary(self, crops: Pixels, variations: Variations) -> Pixels:
        """Vary crops as a step does."""
        tensors = keras.tree.map_structure(ops.convert_to_tensor, variations)
        with torch.no_grad():
            images = augment(ops.convert_to_tensor(crops), tensors, self._hoods, self._rows)
        return np.asarray(images.cpu())
