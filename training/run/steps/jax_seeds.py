"""Training steps of several networks of one kind, side by side on JAX: one program learns for all of them.

`jax.vmap` adds an axis of seeds to the step, so weights, optimizer state, batch norms' means, dropout's seeds, averages
and hoods are stacked. The networks of a small batch leave most of a GPU idle, and share the crops that lie there.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import jax
import numpy as np
import numpy.typing as npt
from jax import numpy as jnp

from training.run.steps.jax_steps import JaxLearner, State, free_bytes, repeated
from training.run.steps.learner import Steps

FREE_SHARE = 0.8
"""A program may take this share of what a GPU has left, because its memory is never one piece."""


class JaxSeeds:
    """Learns with the networks of several learners. source: the one whose crops all take; it may be one of them."""

    def __init__(self, learners: Sequence[JaxLearner], source: JaxLearner) -> None:
        self._learners, self._source = list(learners), source
        self._hoods = jnp.stack([learner.hoods for learner in learners])
        self._learn = jax.jit(repeated(jax.vmap(source.step), jax.vmap(source.varied)), donate_argnums=0)
        self._stack, self._parts = jax.jit(_stack), jax.jit(_unstack, static_argnums=1)
        self._state = self._stacked()

    def prepare(self, steps: Sequence[Steps]) -> Steps:
        """Stack each network's steps along a second axis, and put them on the devices; a thread may do this."""
        return self._source.prepare(jax.tree.map(lambda *values: np.stack(values, axis=1), *steps))

    def fits(self, steps: Steps) -> bool:
        """Whether the device has the memory to learn these steps, by what XLA says that the compiled program takes."""
        free = free_bytes(self._source.device)
        if free is None:
            return True
        program = self._learn.lower(self._state, steps, len(steps.rates), self._hoods, self._source.store).compile()
        needs = program.memory_analysis()
        return bool(needs.temp_size_in_bytes + needs.output_size_in_bytes <= FREE_SHARE * free)

    def begin(self) -> None:
        """Take the networks' states as they are now."""
        self._state = self._stacked()

    def learn(self, steps: Steps, count: int) -> npt.NDArray[np.float32]:
        """Learn the first `count` of these steps; returns their losses (count, networks)."""
        self._state, losses = self._learn(self._state, steps, count, self._hoods, self._source.store)
        return np.asarray(losses)[:count]

    def end(self) -> None:
        """Give each network its state."""
        states = self._parts(self._state, len(self._learners))
        for learner, state in zip(self._learners, states, strict=True):
            learner.state = state

    def _stacked(self) -> State:
        state: State = self._stack([learner.state for learner in self._learners])
        return state


def _stack(states: list[State]) -> State:
    return State(*jax.tree.map(lambda *values: jnp.stack(values), *states))


def _unstack(state: State, count: int) -> list[State]:
    return [jax.tree.map(itemgetter(number), state) for number in range(count)]
