"""Training steps on JAX: a pure function of the state and a batch, which one call repeats for many batches.

Crops lie on the GPU where they fit; else each call brings its own. With several devices Keras keeps the weights on all
of them, and each gets its part of every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from training.data.crops import Crops, Pixels
from training.data.variations import Variations
from training.run.steps.learner import STEPS_AT_ONCE, LearnerSetup, Steps

MEMORY_SHARE = 0.6
"""Crops lie on a GPU if they take at most this share of the memory that it has left."""

COPIED_AT_ONCE = 2048


class State(NamedTuple):
    """What steps change, as lists of arrays: weights, batch norms' means and dropout's seeds, optimizer, average."""

    trainable: list[Any]
    non_trainable: list[Any]
    optimizer: list[Any]
    average: list[Any]


def pure_step(setup: LearnerSetup) -> Callable[[State, Any, Any, Any, Any], tuple[State, Any]]:
    """Return the step: (state, images, steering, rate, share) -> (the next state, loss)."""
    network, average, optimizer = setup.network, setup.average, setup.network.optimizer
    rate_place = next(i for i, v in enumerate(optimizer.variables) if v is optimizer.learning_rate)
    places = {id(v): i for i, v in enumerate([*network.trainable_variables, *network.non_trainable_variables])}
    order = [places[id(weight)] for weight in average.of]

    def loss_of(trainable: list[Any], non_trainable: list[Any], images: Any, steering: Any) -> tuple[Any, list[Any]]:
        answers, updated = network.stateless_call(trainable, non_trainable, images, training=True)
        return setup.loss(answers, steering), updated

    def step(state: State, images: Any, steering: Any, rate: Any, share: Any) -> tuple[State, Any]:
        (loss, non_trainable), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            state.trainable, state.non_trainable, images, steering
        )
        variables = list(state.optimizer)
        variables[rate_place] = rate
        trainable, variables = optimizer.stateless_apply(variables, gradients, state.trainable)
        values = [*trainable, *non_trainable]
        means = [mean + share * (values[place] - mean) for mean, place in zip(state.average, order, strict=True)]
        return State(list(trainable), list(non_trainable), list(variables), means), loss

    return step


def repeated(step: Callable[..., Any], varied: Callable[..., Any]) -> Callable[..., tuple[State, Any]]:
    """Return the program of several steps: (state, steps, count, hoods, store) -> (the next state, losses).

    count: how many of the steps are learned. store: the crops on the device, or None where the steps bring theirs.
    """

    def learn(state: State, steps: Steps, count: Any, hoods: Any, store: Any) -> tuple[State, Any]:
        def body(number: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
            state, losses = carry
            batch = jax.tree.map(lambda values: values[number], steps)
            crops = batch.crops if store is None else jnp.take(store, batch.crops, axis=0, mode="clip")
            images = varied(crops, batch.variations, hoods)
            state, loss = step(state, images, batch.steering, batch.rates, batch.shares)
            return state, losses.at[number].set(loss)

        return jax.lax.fori_loop(0, count, body, (state, jnp.zeros(steps.rates.shape, jnp.float32)))

    return learn


class JaxLearner:
    """The step on JAX."""

    def __init__(self, setup: LearnerSetup) -> None:
        network, average = setup.network, setup.average
        self.variables = State(
            network.trainable_variables,
            network.non_trainable_variables,
            network.optimizer.variables,
            average.variables,
        )
        sharding = network.trainable_variables[0].value.sharding
        self._mesh = sharding.mesh if isinstance(sharding, NamedSharding) else None
        self.device = next(iter(sharding.device_set))
        self.at_once = setup.at_once or (1 if self.device.platform == "cpu" else STEPS_AT_ONCE)
        self._crops = setup.crops
        self.hoods = self._place(setup.hoods, PartitionSpec())
        self.step = pure_step(setup)
        self.varied: Callable[..., Any] = partial(setup.variation, rows=setup.rows)
        self._learn = jax.jit(repeated(self.step, self.varied), donate_argnums=0)
        self._vary = jax.jit(self.varied)

    @cached_property
    def store(self) -> Any:
        """All crops on the devices, or None where they do not fit."""
        return self._resident() if _fits(self._crops, self.device) else None

    def prepare(self, steps: Steps) -> Steps:
        """Put the steps on the devices, each batch shared out among them; the batches' axis follows those of rates."""
        if self.store is None:
            steps = steps._replace(crops=self._crops.take(steps.crops))
        if self._mesh is None:
            return jax.tree.map(jnp.asarray, steps)
        before = steps.rates.ndim
        shared = PartitionSpec(*[None] * before, self._mesh.axis_names[0])
        return jax.tree.map(lambda x: self._place(x, shared if x.ndim > before else PartitionSpec()), steps)

    def learn(self, steps: Steps, count: int) -> npt.NDArray[np.float32]:
        """Learn the first `count` of these steps; returns their losses (count,)."""
        state, losses = self._learn(self.state, steps, count, self.hoods, self.store)
        self.state = state
        return np.asarray(losses)[:count]

    @property
    def state(self) -> State:
        """The values of the variables."""
        return State(*([variable.value for variable in group] for group in self.variables))

    @state.setter
    def state(self, state: State) -> None:
        for group, values in zip(self.variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)

    def vary(self, crops: Pixels, variations: Variations) -> Pixels:
        """Vary crops as a step does."""
        return np.asarray(self._vary(crops, variations, self.hoods))

    def _place(self, values: Any, spec: PartitionSpec) -> Any:
        return jax.device_put(values, None if self._mesh is None else NamedSharding(self._mesh, spec))

    def _resident(self) -> Any:
        """Copy all crops to the devices, in parts, so that the memory never holds them twice."""
        shape = (len(self._crops), *self._crops.shape)
        store = self._place(jnp.zeros(shape, jnp.uint8), PartitionSpec())
        insert = jax.jit(
            lambda store, part, first: jax.lax.dynamic_update_slice(store, part, (first, 0, 0, 0)), donate_argnums=0
        )
        for first in range(0, len(self._crops), COPIED_AT_ONCE):
            numbers = np.arange(first, min(first + COPIED_AT_ONCE, len(self._crops)), dtype=np.int32)
            store = insert(store, self._place(self._crops.take(numbers), PartitionSpec()), first)
        return store


def _fits(crops: Crops, device: Any) -> bool:
    """Whether the crops are to lie on the device; memory beside a CPU has them already."""
    free = free_bytes(device)
    return free is not None and crops.nbytes <= MEMORY_SHARE * free


def free_bytes(device: Any) -> int | None:
    """What a GPU has left of its memory; None for a CPU."""
    memory = device.memory_stats() if device.platform != "cpu" else None
    return None if memory is None else memory["bytes_limit"] - memory["bytes_in_use"]
