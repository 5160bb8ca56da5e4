"""Cuts a recording into pieces of unbroken driving, between gaps and standstills, and marks their manoeuvring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.messages import MPS_PER_MPH
from protocol.recording import Sample

STANDSTILL_MPH = 2.0
"""A car at or below this speed stands still."""

MANOEUVRE_M = 20.0
"""Distance driven next to a standstill: setting off, turning round, parking. It does not follow the lane."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows between two breaks; each array is (n,).

    rows: indices into the recording's samples. distance_m: metres from the piece's first row. steady: whether a row
    lies at least MANOEUVRE_M from a standstill at either end.
    """

    rows: npt.NDArray[np.intp]
    distance_m: Float64Array
    steady: npt.NDArray[np.bool_]


def unbroken_pieces(samples: Sequence[Sample], time_s: Float64Array, gap_s: float) -> list[Piece]:
    """Cut a recording at standstills, between sessions, and where two rows are more than gap_s apart.

    time_s: seconds of the samples, (n,). Rows at a standstill belong to no piece.
    """
    speed_mph = np.array([s.speed_mph for s in samples])
    session = np.array([s.session for s in samples])
    moving = np.flatnonzero(speed_mph > STANDSTILL_MPH)
    if not moving.size:
        return []
    breaks = (np.diff(moving) > 1) | (np.diff(session[moving]) != 0) | (np.diff(time_s[moving]) > gap_s)
    return [_piece(rows, speed_mph[rows], time_s[rows]) for rows in np.split(moving, np.flatnonzero(breaks) + 1)]


def _piece(rows: npt.NDArray[np.intp], speed_mph: Float64Array, time_s: Float64Array) -> Piece:
    mean_mps = (speed_mph[1:] + speed_mph[:-1]) / 2 * MPS_PER_MPH
    distance_m = np.concatenate([[0.0], np.cumsum(np.diff(time_s) * mean_mps)])
    first_m = MANOEUVRE_M if speed_mph[0] < 2 * STANDSTILL_MPH else 0.0
    last_m = distance_m[-1] - (MANOEUVRE_M if speed_mph[-1] < 2 * STANDSTILL_MPH else 0.0)
    return Piece(rows, distance_m, (distance_m >= first_m) & (distance_m <= last_m))
