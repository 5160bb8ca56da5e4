"""Films that tests have made, read back."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def read_film(path: Path) -> tuple[list[float], list[np.ndarray], float]:
    """Times of the pictures, the pictures (uint8 RGB), and the length that players show."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        assert container.duration is not None
        length_s = container.duration / 1e6
    return [float(f.time) for f in frames], [f.to_ndarray(format="rgb24") for f in frames], length_s
