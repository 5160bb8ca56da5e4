"""What is lost when a picture is made small, with the amounts of ImageNet-C (Hendrycks and Dietterich, 2019)."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from protocol.messages import Frame
from training.robustness.corruption import Moment


def jpeg(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Pack the picture as JPEG and unpack it. amount: the quality, 1 to 95, a whole number."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=round(amount))
    return np.asarray(Image.open(file))


def pixelation(frame: Frame, amount: float, moment: Moment) -> Frame:
    """Shrink the picture and blow it up again. amount: the share of its columns, and of its rows, that is left."""
    picture = Image.fromarray(frame)
    columns, rows = (round(amount * length) for length in picture.size)
    small = picture.resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(small.resize(picture.size, Image.Resampling.BOX))
