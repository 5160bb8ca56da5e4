"""Detects the last row of a session that shows the session's first view, a fault of Udacity's recorder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

MIN_STALE_DIFFERENCE = 10.0
"""Mean grey-level difference below which two views show one place; at 30 mph consecutive rows differ by about 9."""


def shows_first_view(first: Path, before: Path, last: Path) -> bool:
    """Whether a session's last image shows its first view instead of the car's current place. before: the last but one.

    An image that is damaged inside shows nothing; the data doctor decodes all images and reports it.
    """
    try:
        first_grey, before_grey, last_grey = (_grey(path) for path in (first, before, last))
    except (OSError, SyntaxError):
        return False
    to_first, to_before = np.abs(last_grey - first_grey).mean(), np.abs(last_grey - before_grey).mean()
    return bool(to_before > MIN_STALE_DIFFERENCE and to_first < to_before / 3)


def _grey(path: Path) -> np.ndarray:
    with Image.open(path, formats=("JPEG", "PNG")) as picture:
        return np.asarray(picture.convert("L").resize((80, 40)), dtype=np.float32)
