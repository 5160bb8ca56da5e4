"""A policy of tests that answers each frame by itself."""

import numpy as np

from inference.observations import Observations
from inference.policy import Answer


class FramePolicy:
    """Base of a policy that defines `predict`, uint8 frames (n, 160, 320, 3) -> float32 (n,)."""

    def answer(self, observations: Observations) -> Answer:
        return Answer(float(self.predict(observations.frame[np.newaxis])[0]))
