"""The laps of one drive beside its first: where on the road, and how far aside and turned, each later view was taken.

Steering and odometry do not tell by how much a lap lies beside another; the pictures do, see `training.view_match`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from protocol.recording import Sample
from simulator.view import CAMERAS
from training.doctor.frames import DamagedImageError, grey_image
from training.road import Leg
from training.view_match import Offset, View

SEARCH_M = 15.0
"""How far ahead and behind a place is looked for on the first lap, unless the place before tells: odometry drifts."""

LEAST_ALIKE = 1.0
"""Of 1.5; below it two views do not show the same."""

CHECKED_EACH = 10
"""At one of so many places the side cameras are looked for, too: how far they sit from the centre's is known."""

LEAST_PLACES = 10

NOWHERE = Offset(-1.0, 0.0, 0.0, 0.0)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lap:
    """A lap's matched places: at_m along the first lap, rising; aside_m and turned_rad to the left of it: (places,).

    driven_m: how far the car had come there, from the leg's first row on.
    """

    at_m: Floats
    aside_m: Floats
    turned_rad: Floats
    driven_m: Floats


@dataclass(frozen=True, slots=True)
class Laps:
    """lap_m: their length. later: the laps after the first. unlike: how many views fitted nowhere and are left out.

    side_errors_m: how far off their known distance the side cameras were found, where that was checked.
    """

    lap_m: float
    later: tuple[Lap, ...]
    unlike: int
    side_errors_m: Floats


def match_laps(samples: Sequence[Sample], leg: Leg, lap_m: float, every_m: float) -> Laps:
    """Look for each place of a leg's later laps on its first.

    Damaged images are left out like views that do not fit. Raises ValueError for a leg in which too little comes back.
    """
    driven = leg.distance_m - leg.distance_m[0]
    if driven[-1] < lap_m + LEAST_PLACES * every_m:
        raise ValueError(f"{driven[-1]:.0f} m one way are less than a lap of {lap_m:g} m and {LEAST_PLACES} places")
    rows = [samples[i] for i in leg.rows]
    first_lap = _FirstLap(rows, driven)
    found: dict[int, list[tuple[float, float, float, float]]] = {}
    side_errors: list[float] = []
    last: Offset | None = None
    goals = np.arange(lap_m, driven[-1], every_m)
    for number, goal in enumerate(tqdm(goals, unit=" places", desc="laps", leave=False)):
        row = int(np.searchsorted(driven, goal))
        lap = int(driven[row] // lap_m)
        near_m = float(driven[row] - lap * lap_m)
        offset = first_lap.find(rows[row].center, near_m, last)
        last = offset if offset.alike >= LEAST_ALIKE else None
        if last is None:
            continue
        place = near_m + offset.ahead_m, offset.aside_m, offset.turned_rad, float(driven[row])
        found.setdefault(lap, []).append(place)
        if number % CHECKED_EACH == 0:
            for name in ("left", "right"):
                path = getattr(rows[row], name)
                if path:
                    side = first_lap.find(path, near_m, None)
                    side_errors.append(side.aside_m - offset.aside_m - CAMERAS[name].aside_m)
    if not found:
        raise ValueError(f"none of {goals.size} views fits the first lap; is a lap {lap_m:g} m long?")
    laps = tuple(Lap(*np.array(sorted(places)).T) for _, places in sorted(found.items()))
    return Laps(lap_m, laps, goals.size - sum(len(places) for places in found.values()), np.array(side_errors))


class _FirstLap:
    """Its pictures, each read once, and where they were taken. driven: metres, of all rows of the leg."""

    def __init__(self, samples: Sequence[Sample], driven: Floats) -> None:
        self._samples, self._driven = samples, driven
        self._pictures: dict[int, Image.Image | None] = {}

    def find(self, path: Path, near_m: float, last: Offset | None) -> Offset:
        """Where a picture was taken, against near_m on the first lap. last: the offset one place before, if known.

        alike is -1 where the picture, or every one it could be compared with, is damaged.
        """
        shown = _picture(path)
        if shown is None:
            return NOWHERE
        view = View(shown)
        if last is not None:
            row = min(int(np.searchsorted(self._driven, near_m + last.ahead_m)), len(self._samples) - 1)
            picture = self._picture(row)
            if picture is not None:
                found = view.near(picture, float(self._driven[row]) - near_m, last)
                if found.alike >= LEAST_ALIKE:
                    return found
        first, end = np.searchsorted(self._driven, (near_m - SEARCH_M, near_m + SEARCH_M))
        pictures = [(self._picture(row), float(self._driven[row]) - near_m) for row in range(int(first), int(end))]
        others = [(picture, ahead_m) for picture, ahead_m in pictures if picture is not None]
        return view.best(others) if others else NOWHERE

    def _picture(self, row: int) -> Image.Image | None:
        if row not in self._pictures:
            self._pictures[row] = _picture(self._samples[row].center)
        return self._pictures[row]


def _picture(path: Path) -> Image.Image | None:
    """In grey; None for a damaged one, which `training.doctor` names."""
    try:
        return Image.fromarray(grey_image(path))
    except DamagedImageError:
        return None
