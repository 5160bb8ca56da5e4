"""Blur of the lens and of motion, after ImageNet-C (Hendrycks and Dietterich, 2019).

A frame has as many pixels as the paper's images (320 x 160, 224 x 224), so its lengths in pixels are used unchanged.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from simulator.render.camera import AUTONOMOUS
from training.robustness.corruption import Moment

MOST_ANGLE_DEG = 45.0
"""Motion blurs along a line that is at most this steep; each frame has another one."""

REACH = 2.7
"""Standard deviations after which a streak ends; the paper's end there, too."""

ZOOMS = 11
"""Pictures that zoom blur is the mean of."""

_right, _down, _depth = AUTONOMOUS.center.projection()[:, 2]
AHEAD = (_right / _depth, _down / _depth)
"""Column and row that the car drives to; a zoom leaves them where they are."""


def defocus_blur(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Spread each pixel over a disk. amount: its radius in pixels, a whole number."""
    radius = round(amount)
    with_margin = np.pad(frame, ((radius, radius), (radius, radius), (0, 0)), "edge")
    sums = np.pad(with_margin.cumsum(1, dtype=np.uint32), ((0, 0), (1, 0), (0, 0)))
    total, pixels = np.zeros(frame.shape, np.uint32), 0
    for down in range(-radius, radius + 1):
        half = math.isqrt(radius**2 - down**2)
        rows = sums[radius + down :][: frame.shape[0]]
        first, last = radius - half, radius + half + 1
        total += rows[:, last:][:, : frame.shape[1]] - rows[:, first:][:, : frame.shape[1]]
        pixels += 2 * half + 1
    return ((total + pixels // 2) // pixels).astype(np.uint8)


def motion_blur(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Draw each pixel out along a line. amount: standard deviation of the streak, in pixels.

    The paper's streak begins at the pixel. This one has its mean there, because a picture that is moved aside, too,
    would be a turned camera.
    """
    angle = math.radians(moment.generator().uniform(-MOST_ANGLE_DEG, MOST_ANGLE_DEG))
    steps = np.arange(math.ceil(REACH * amount) + 1)
    weights = np.exp(-0.5 * (steps / max(amount, 1e-9)) ** 2)
    weights /= weights.sum()
    along = steps - (weights * steps).sum()
    margin = len(steps)
    with_margin = np.pad(frame, ((margin, margin), (margin, margin), (0, 0)), "edge").astype(np.float32)
    total = np.zeros(frame.shape, np.float32)
    for weight, step in zip(weights, along, strict=True):
        row, column = margin - round(step * math.sin(angle)), margin - round(step * math.cos(angle))
        total += np.float32(weight) * with_margin[row:, column:][: frame.shape[0], : frame.shape[1]]
    return np.rint(total).astype(np.uint8)


def zoom_blur(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Take the mean of pictures that are zoomed in more and more, as on a long exposure while driving.

    amount: how many times the last one is larger.
    """
    picture = Image.fromarray(frame)
    total = np.zeros(frame.shape, np.uint32)
    column, row = AHEAD
    for zoom in np.linspace(1.0, amount, ZOOMS):
        left, top = column - column / zoom, row - row / zoom
        box = (left, top, left + FRAME_COLUMNS / zoom, top + FRAME_ROWS / zoom)
        total += np.asarray(picture.resize(picture.size, Image.Resampling.BILINEAR, box))
    return ((total + ZOOMS // 2) // ZOOMS).astype(np.uint8)
