"""Noise of the sensor. All formulas and amounts are ImageNet-C's (Hendrycks and Dietterich, 2019)."""

from __future__ import annotations

import numpy as np

from protocol.messages import Frame
from training.robustness.corruption import Moment


def gaussian_noise(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Add normal noise to each value. amount: its standard deviation as a share of white."""
    noise = moment.generator().standard_normal(frame.shape, np.float32)
    return np.rint(frame + np.float32(255 * amount) * noise).clip(0, 255).astype(np.uint8)


def shot_noise(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Count photons. amount: how many of them are white, on average."""
    photons = moment.generator().poisson(frame * (amount / 255))
    return np.rint(photons * (255 / amount)).clip(0, 255).astype(np.uint8)


def impulse_noise(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Replace values by 0 or 255. amount: the share of the values that this happens to."""
    draw = moment.generator().random(frame.shape, np.float32)
    noisy = frame.copy()
    noisy[draw < amount / 2] = 0
    noisy[draw >= 1 - amount / 2] = 255
    return noisy
