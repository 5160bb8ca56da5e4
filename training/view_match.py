"""Two views of one place, laid on one another: where does the car stand now, against where it stood then?

The far scene moves only as the car turns; the road, a plane, moves with its place. So the turn is looked for in the far
scene, the place on the road, and then both are refined together until the pictures are most alike.

Trees are not far enough for that: the turn comes out up to 0.5 degrees too much for each metre aside. In the built-in
world the place aside is found to 0.06 m, to 0.2 m where the car is also turned by 5 degrees (tests/test_wander.py); on
real frames `training.wander` says how far off the side cameras, whose distance is known, are found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from protocol.messages import FRAME_COLUMNS
from simulator.camera import CENTER, HOOD_ROW, homographies

Grey = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

FAR_ROWS = (30, round(CENTER.horizon_row) - 1)
ROAD_ROWS = (round(CENTER.horizon_row) + 5, HOOD_ROW - 4)
COLUMNS = slice(30, 290)

FAR_WEIGHT = 0.5
"""Beside the road's 1: it knows the turn well and nothing else."""

LEAST_SEEN = 0.5
"""Share of the compared pixels that both views must show."""

TURNS_RAD = np.radians(np.arange(-8.0, 8.1, 1.0))
ASIDES_M = np.arange(-2.4, 2.41, 0.3)
FIRST_STEPS = (0.3, math.radians(1.0), 0.6)
LAST_STEP = 1 / 16
"""Of the first steps: 0.02 m aside, 0.06 degrees, 0.04 m ahead."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Where a view was taken, against another: metres to its left and ahead, turned to its left.

    alike: Pearson's correlation of the road plus half that of the far scene, at most 1.5.
    """

    alike: float
    aside_m: float
    turned_rad: float
    ahead_m: float


class View:
    """A picture whose place is looked for: grey, 160 x 320."""

    def __init__(self, picture: Image.Image) -> None:
        pixels = np.asarray(picture, np.float32)
        self._far, self._road = pixels[slice(*FAR_ROWS)], pixels[slice(*ROAD_ROWS)]

    def best(self, others: Sequence[tuple[Image.Image, float]]) -> Offset:
        """Its offset from the other view that it is most like. others: pictures, and how far ahead each was taken."""
        found = []
        for picture, ahead_m in others:
            turned = self._turned(picture)
            alike, aside = max((self._alike(picture, aside, turned, 0.0), aside) for aside in ASIDES_M)
            found.append((alike, aside, turned, ahead_m, picture))
        alike, aside, turned, ahead_m, picture = max(found, key=lambda each: each[0])
        return self._refined(picture, ahead_m, (aside, turned, 0.0))

    def near(self, picture: Image.Image, ahead_m: float, about: Offset) -> Offset:
        """Its offset from one picture, taken ahead_m ahead, looked for only near where it is likely to be."""
        return self._refined(picture, ahead_m, (about.aside_m, self._turned(picture), about.ahead_m - ahead_m))

    def _turned(self, picture: Image.Image) -> float:
        """By the far scene alone."""
        return float(TURNS_RAD[int(np.argmax([self._far_alike(picture, turned) for turned in TURNS_RAD]))])

    def _refined(self, picture: Image.Image, ahead_m: float, start: tuple[float, float, float]) -> Offset:
        """By coordinate descent with halving steps. start: aside, turned, ahead of the picture."""
        found = list(start)
        alike = self._alike(picture, *start)
        step = 1.0
        while step >= LAST_STEP:
            moved = False
            for number, width in enumerate(FIRST_STEPS):
                for sign in (1, -1):
                    tried = found.copy()
                    tried[number] += sign * step * width
                    score = self._alike(picture, *tried)
                    if score > alike + 1e-6:
                        alike, found, moved = score, tried, True
            step = step if moved else step / 2
        return Offset(alike, found[0], found[1], ahead_m + found[2])

    def _alike(self, picture: Image.Image, aside_m: float, turned_rad: float, ahead_m: float) -> float:
        road, far = homographies(CENTER, CENTER, aside_m, turned_rad, ahead_m)
        on_road = _correlation(self._road, warped(picture, road, ROAD_ROWS))
        return on_road + FAR_WEIGHT * _correlation(self._far, warped(picture, far, FAR_ROWS))

    def _far_alike(self, picture: Image.Image, turned_rad: float) -> float:
        _, far = homographies(CENTER, CENTER, 0.0, turned_rad)
        return _correlation(self._far, warped(picture, far, FAR_ROWS))


def warped(picture: Image.Image, homography: Matrix, rows: tuple[int, int]) -> Grey:
    """Rows of what another camera would see of the picture; 0 where it does not reach. homography: shown -> picture."""
    first, end = rows
    matrix = homography @ np.array([[1.0, 0, 0], [0, 1, first], [0, 0, 1]])
    values = (matrix / matrix[2, 2]).ravel()[:8].tolist()
    size = (FRAME_COLUMNS, end - first)
    moved = picture.transform(size, Image.Transform.PERSPECTIVE, values, Image.Resampling.BILINEAR, fillcolor=0)
    return np.asarray(moved, np.float32)


def _correlation(view: Grey, other: Grey) -> float:
    """Pearson's, over the pixels that both show; -1 where these are too few."""
    one, two = view[:, COLUMNS].ravel(), other[:, COLUMNS].ravel()
    seen = two > 0
    if seen.mean() < LEAST_SEEN:
        return -1.0
    one, two = one[seen] - one[seen].mean(), two[seen] - two[seen].mean()
    return float((one @ two) / max(1e-6, math.sqrt(float((one @ one) * (two @ two)))))
