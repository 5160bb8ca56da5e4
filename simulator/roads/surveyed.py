"""Roads that were measured: Udacity's lake and jungle, from tables with a row for every two metres.

Places are metres of Udacity's Unity scenes, x to the right and y ahead (Unity's z), so the roads lie in these scenes
where they lie there. docs/udacity-tracks.md says how they were measured.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from simulator.roads.curves import distances, resample, smooth_loop
from simulator.roads.profile import LAND_AT_M, Shape, Side

SURVEYS = Path(__file__).parent / "surveys"
WATER_M = {"lake": -0.5, "jungle": -110.0}
"""Height of the water; the jungle's lies below all land, for it has none."""

FINE = 16
"""Points of the curve between two rows."""


@cache
def surveyed_road(name: Literal["lake", "jungle"]) -> Shape:
    """Read the table of a road, once, and draw a smooth curve through its rows. Raises OSError."""
    with open(SURVEYS / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    curve = smooth_loop(_numbers(rows, "x", "y", "height"), FINE)
    line = resample(curve)
    along = distances(curve)
    places = np.arange(len(line)) * (along[-1] / len(line))
    nearest = np.abs(places[:, None] - along[::FINE]).argmin(1) % len(rows)
    left, right = (_side(rows, side, nearest) for side in ("left", "right"))
    return Shape(line[:, :2], line[:, 2], left, right, WATER_M[name])


def _numbers(rows: list[dict[str, str]], *columns: str) -> Float64Array:
    return np.array([[row[column] for column in columns] for row in rows], np.float64)


def _side(rows: list[dict[str, str]], side: str, nearest: npt.NDArray[np.intp]) -> Side:
    """A side's columns at each place, from the row that is `nearest` to it: (n,)."""

    def texts(column: str) -> npt.NDArray[np.str_]:
        return np.array([row[f"{side}_{column}"] for row in rows])[nearest]

    road_m, strip_m, kerb_m = _numbers(rows, *(f"{side}_{column}" for column in ("road", "strip", "kerb")))[nearest].T
    land_m = _numbers(rows, *(f"land_{side}_{at_m:.0f}" for at_m in LAND_AT_M))[nearest]
    return Side(road_m, strip_m, kerb_m, texts("beside"), texts("beyond"), land_m)
