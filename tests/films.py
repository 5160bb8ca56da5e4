"""A picture for films, and films that tests have made, read back."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from film.overlay import Shot
from tests.conftest import road_frame

SHOT = Shot(0.0, road_frame(), 0.2, 0.5, 15.0, 1.8)
"""One picture of a drive; tests change what they need."""


def read_film(path: Path) -> tuple[list[float], list[np.ndarray], float]:
    """Times of the pictures, the pictures (uint8 RGB), and the length that players show."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        assert container.duration is not None
        length_s = container.duration / 1e6
    return [float(f.time) for f in frames], [f.to_ndarray(format="rgb24") for f in frames], length_s
