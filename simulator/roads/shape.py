"""What makes a road, wherever it comes from: its centre line, its heights and its two sides."""

from __future__ import annotations

from typing import NamedTuple

from protocol.arrays import Float64Array
from simulator.roads.profile import Side


class Shape(NamedTuple):
    """points: float64 (n, 2), metres; height_m: float64 (n,); left, right: its sides; water_m: height of water."""

    points: Float64Array
    height_m: Float64Array
    left: Side
    right: Side
    water_m: float
