"""A steering policy: what a car has shown in, steering and maybe a throttle out."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from inference.observations import Observations


class Answer(NamedTuple):
    """A network's answer. steering: nominally -1..1, positive right; throttle: None from a network that gives none.

    confidence: how much the frame is like those that the network learned, 0 to 1; None from a network that gives none.
    """

    steering: float
    throttle: float | None = None
    confidence: float | None = None


class Policy(Protocol):
    """A steering policy: what a car has shown in, steering out. Every engine is one."""

    def answer(self, observations: Observations) -> Answer:
        """The answer to the newest frame."""
        ...


class PolicyError(ArithmeticError):
    """The model answered NaN or an infinity, which is no steering value."""
