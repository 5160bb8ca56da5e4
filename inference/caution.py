"""How fast a car may go by what its model knows of the view: slower where it is unsure, not at all where it is lost.

One odd frame must not brake a car, and half a second of them must stop it. So the confidence falls fast and rises
slowly, and the car creeps before it drives again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from protocol.messages import LOST, SURE

FALL_S, RISE_S = 0.125, 4.0
"""Decay times of the confidence: after half a second of frames without any, it is 0.02, which is lost. From 0 it needs
1.4 s of frames that are known for certain until the car may drive as ever."""

LONGEST_STEP_S = 0.1
"""An interval between two frames counts for at most this long, so that one odd frame after a pause brakes no car."""


class Confident(Protocol):
    """What says whether it gives a confidence; every engine does."""

    @property
    def is_confident(self) -> bool:
        """Whether its answers have a confidence."""
        ...


def require_confidence(engines: Sequence[Confident], names: Sequence[str]) -> None:
    """Raise ValueError, which names the first model without a confidence: with it a careful car knows no caution."""
    for engine, name in zip(engines, names, strict=True):
        if not engine.is_confident:
            raise ValueError(
                f"{name} does not say how sure it is, so --careful cannot drive; a model that is trained now "
                "does, and `python -m training.confidence` gives it to others"
            )


class Caution:
    """The caution of one car. `level`: the smoothed confidence, None before the first frame."""

    def __init__(self) -> None:
        self.level: float | None = None
        self._last_s = 0.0

    def speed_share(self, confidence: float | None, now_s: float) -> float:
        """What share of the target speed is right, 0..1: 1 where the model is sure, 0 where it is lost.

        confidence: of this frame, 0..1; None from a model without one, with which there is no caution. now_s: seconds
        of a monotonic clock.
        """
        if confidence is None:
            return 1.0
        if not 0.0 <= confidence <= 1.0:  # nan too: a model that says nonsense of itself is not trusted
            confidence = 0.0
        if self.level is None:
            self.level = confidence
        else:
            step_s = min(LONGEST_STEP_S, max(0.0, now_s - self._last_s))
            decay_s = FALL_S if confidence < self.level else RISE_S
            self.level += (confidence - self.level) * (1 - math.exp(-step_s / decay_s))
        self._last_s = now_s
        return min(1.0, max(0.0, (self.level - LOST) / (SURE - LOST)))
