"""An epoch on JAX: a pure function of the network's state and a batch, which one call repeats for many batches.

Keras' `fit` would return to Python after each step, which takes longer than a GPU needs for a batch of such small
images. An epoch's images go to the device at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
import numpy.typing as npt
from jax import numpy as jnp

from training.run.steps.learner import STEPS_AT_ONCE

State = tuple[list[Any], list[Any], list[Any]]
"""The values of trainable variables, of the others (batch norms' means, dropout's seeds), and of the optimizer."""


class JaxEpochs:
    """The compiled step of a network that has its optimizer. loss: of one-hot labels and answers.

    at_once: steps of a call, None for what suits the device.
    """

    def __init__(self, network: keras.Model, loss: keras.losses.Loss, at_once: int | None = None) -> None:
        optimizer = network.optimizer
        optimizer.build(network.trainable_variables)
        self._variables = network.trainable_variables, network.non_trainable_variables, optimizer.variables
        self._at_once = at_once or (1 if jax.devices()[0].platform == "cpu" else STEPS_AT_ONCE)

        def loss_of(trainable: list[Any], others: list[Any], images: Any, labels: Any) -> tuple[Any, Any]:
            answers, updated = network.stateless_call(trainable, others, images, training=True)
            right = jnp.argmax(answers, axis=-1) == jnp.argmax(labels, axis=-1)
            return loss(labels, answers), (updated, jnp.mean(right, dtype=jnp.float32))

        def step(state: State, images: Any, labels: Any) -> tuple[State, Any]:
            trainable, others, variables = state
            (value, (others, accuracy)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
                trainable, others, images, labels
            )
            trainable, variables = optimizer.stateless_apply(variables, gradients, trainable)
            return (list(trainable), list(others), list(variables)), jnp.stack([value, accuracy])

        def learn(state: State, images: Any, labels: Any, first: Any, count: Any) -> tuple[State, Any]:
            def body(number: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
                state, figures = carry
                state, new = step(state, images[first + number], labels[first + number])
                return state, figures.at[number].set(new)

            return jax.lax.fori_loop(0, count, body, (state, jnp.zeros((self._at_once, 2), jnp.float32)))

        self._learn = jax.jit(learn, donate_argnums=0)

    def learn(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.float32],
        batch: int,
        on_steps: Callable[[int, float], None],
    ) -> tuple[float, float]:
        """Learn images (n, rows, columns, colours) with labels (n, 10) in order, in whole batches.

        on_steps: called with how many steps were learned, and their last loss. Returns the mean loss and accuracy.
        """
        steps = max(1, len(images) // batch)
        shape = (steps, min(batch, len(images)))
        pixels, one_hot = (jnp.asarray(x[: steps * batch].reshape(*shape, *x.shape[1:])) for x in (images, labels))
        figures: list[npt.NDArray[np.float32]] = []
        for first in range(0, steps, self._at_once):
            count = min(self._at_once, steps - first)
            state = tuple([variable.value for variable in group] for group in self._variables)
            state, new = self._learn(state, pixels, one_hot, first, count)
            for group, values in zip(self._variables, state, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            figures.append(np.asarray(new)[:count])
            on_steps(count, float(figures[-1][-1, 0]))
        loss, accuracy = np.concatenate(figures).mean(axis=0, dtype=np.float64)
        return float(loss), float(accuracy)
