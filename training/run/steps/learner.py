"""What all backends' training steps share: what they take, what they give, and which one is used.

A step varies a batch of crops, descends once, and adds the new weights to the average. All of it is one compiled
function, so that Python only hands over the numbers of the images and what to do with each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from training.data.augment import augment
from training.data.crops import Crops, Pixels
from training.data.variations import Variations
from training.run.network import WeightAverage

STEPS_AT_ONCE = 50
"""A GPU learns so many steps of an epoch before Python looks at the losses; the progress bar moves as often."""


class Steps(NamedTuple):
    """Several steps' batches. All arrays begin with the axis of the steps, and all but the last two with (steps, n).

    crops: the images' numbers, int32, or uint8 (steps, n, rows to read, 320, 3). steering: float32 (steps, n, 1).
    rates: learning rates, float32 (steps,). shares: those of the new weights in the average, float32 (steps,).
    """

    crops: Any
    variations: Variations
    steering: Any
    rates: Any
    shares: Any


class LearnerSetup(NamedTuple):
    """What a learner learns with. network: compiled with an optimizer; average: of its weights.

    hoods: uint8 (m, k, 320, 3). rows: those that the network sees. at_once: None for what suits the device.
    variation: crops, variations, hoods, rows -> uint8 (n, rows, 320, 3), as `augment`. huber_width: see Recipe.
    """

    network: keras.Model
    average: WeightAverage
    crops: Crops
    hoods: Pixels
    rows: int
    at_once: int | None = None
    variation: Callable[..., Any] = augment
    huber_width: float | None = None

    def loss(self, answers: Any, steering: Any) -> Any:
        """The mean of the squared errors of the answers, (n, 1), or of twice Huber's loss of them.

        Source: Huber, "Robust Estimation of a Location Parameter", 1964.
        """
        if self.huber_width is None:
            return ops.mean(ops.square(answers - steering))
        errors = ops.abs(answers - steering)
        narrow = ops.minimum(errors, self.huber_width)
        return ops.mean(narrow * (2 * errors - narrow))


class Learner(Protocol):
    """A backend's training step. at_once: how many steps `learn` takes."""

    at_once: int

    def prepare(self, steps: Steps) -> Steps:
        """Replace the images' numbers by what `learn` takes; another thread may do this while steps are learned."""

    def learn(self, steps: Steps, count: int) -> npt.NDArray[np.float32]:
        """Learn the first `count` of these steps; returns their losses (count,)."""

    def vary(self, crops: Pixels, variations: Variations) -> Pixels:
        """Vary crops, uint8 (n, rows to read, 320, 3), as a step does: uint8 (n, rows, 320, 3)."""


def open_learner(setup: LearnerSetup) -> Learner:
    """Open the step of Keras' backend."""
    backend = keras.backend.backend()
    if backend == "jax":
        from training.run.steps.jax_steps import JaxLearner  # noqa: PLC0415 - other backends may be missing

        return JaxLearner(setup)
    if backend == "torch":
        from training.run.steps.torch_steps import TorchLearner  # noqa: PLC0415

        return TorchLearner(setup)
    from training.run.steps.tensorflow_steps import TensorFlowLearner  # noqa: PLC0415

    return TensorFlowLearner(setup)
