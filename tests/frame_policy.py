"""A policy of tests that answers each frame by itself, and a throttle that is always the same."""

import numpy as np

from inference.observations import Observations
from inference.policy import Answer


class FramePolicy:
    """Base of a policy that defines `predict`, uint8 frames (n, 160, 320, 3) -> float32 (n,)."""

    def answer(self, observations: Observations) -> Answer:
        return Answer(float(self.predict(observations.frame[np.newaxis])[0]))


class ConstantThrottle:
    """A speed control that always gives this throttle."""

    def __init__(self, throttle: float) -> None:
        self._throttle = throttle

    def throttle(self, speed_mph: float, answer: Answer, now_s: float, share: float = 1.0) -> float:
        return self._throttle
