"""How well a perfect pupil of a driver's laps would agree with him, by how firmly it steers back to their mean line.

Such a pupil answers each place with the mean steering of the laps, and steers back by so much for each metre aside and
each radian turned. A driver wanders and lets it be, so firmness costs agreement, and gains nearness to the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.lap_match import Laps

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Response:
    """Steering (-1..1) back for each metre beside, and each radian turned from, the mean of the laps."""

    per_metre: float
    per_radian: float


RESPONSES = (Response(0.0, 0.0), Response(0.05, 0.6), Response(0.1, 1.2), Response(0.2, 1.75))
"""None; half of what `training.recipe` teaches; all of it; and twice as much for a metre, as well damped as that."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Correlation with the driver's own steering of a pupil who knows his other laps, and of one who knows them all.

    The first has too few laps to know their mean, the second has seen the answers: the truth lies between.
    """

    response: Response
    of_others: float
    of_all: float


def agreements(laps: Laps, driven_m: Floats, steering: Floats, place_m: Floats) -> list[Agreement]:
    """For each of RESPONSES. driven_m, steering: (rows,) of the leg, from 0 on, and what the driver means by it.

    Only places are asked to which two laps or more came; nan where there are none.
    """
    rows = np.searchsorted(driven_m, laps.lap_m)
    told = [(driven_m[:rows], np.zeros(rows), np.zeros(rows), steering[:rows])]
    told += [(lap.at_m, lap.aside_m, lap.turned_rad, np.interp(lap.driven_m, driven_m, steering)) for lap in laps.later]
    tables = [[np.interp(place_m, at, one, left=np.nan, right=np.nan) for one in rest] for at, *rest in told]
    signals = [np.array(each) for each in zip(*tables, strict=True)]
    known = np.isfinite(signals[0]).sum(axis=0) > 1
    aside_m, turned_rad, human = (signal[:, known] for signal in signals)
    found = []
    for response in RESPONSES:
        # Without his steering back, what is left of him is the road's; the pupil adds its own.
        road = human - response.per_metre * aside_m - response.per_radian * turned_rad
        count, total = np.isfinite(road).sum(axis=0), np.nansum(road, axis=0)
        of_others, of_all = (total - road) / (count - 1) - road, total / count - road
        found.append(Agreement(response, *(_correlation(human + missed, human) for missed in (of_others, of_all))))
    return found


def describe(found: Sequence[Agreement]) -> str:
    """In one line."""
    said = [
        f"{a.of_others:.2f} ({a.of_all:.2f}) at {a.response.per_metre:g} a metre and {a.response.per_radian:g} a radian"
        for a in found
    ]
    return "a pupil of the other laps (of all) agrees with this driver's 1 s means by " + ", ".join(said)


def _correlation(one: Floats, other: Floats) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 2 or one[known].std() == 0 or other[known].std() == 0:
        return float("nan")
    return float(np.corrcoef(one[known], other[known])[0, 1])
