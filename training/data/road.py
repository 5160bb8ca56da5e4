"""Each row of a recording gets a place on the road, computed from speeds, times and steering alone.

Laps show the same places again and again, so a fair test holds out places, not rows: the same stretch of road on every
lap of every recording, in both directions. That needs a position that all recordings share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.recording import SESSION_GAP_S, Sample
from protocol.unbroken import unbroken_pieces

SMOOTH_M = 20
"""Steering is averaged over this length before places are compared; it is longer than a driver's single correction."""

LEAST_AGREEMENT = 0.5
"""Two drives whose steering correlates less than this are not on the same road; drives on one road reach 0.65."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a recording that was driven without a standstill or a gap.

    recording: the recording's number; rows: indices into its samples; distance_m, steering: one value for each row.
    """

    recording: int
    rows: npt.NDArray[np.intp]
    distance_m: Float64Array
    steering: Float64Array


def legs(recording: int, samples: Sequence[Sample], time_s: Float64Array) -> list[Leg]:
    """Cut a recording at session ends, gaps and standstills, and leave out the manoeuvres beside them.

    time_s: (n,) seconds. Where rows are missing it is unknown how far the car drove, and whether it turned round.
    """
    steering = np.array([s.steering for s in samples])
    pieces = unbroken_pieces(samples, time_s, SESSION_GAP_S)
    return [
        Leg(recording, rows, piece.distance_m[piece.steady], steering[rows])
        for piece in pieces
        if (rows := piece.rows[piece.steady]).size > 1
    ]


def places_m(driven_legs: Sequence[Leg], lap_m: float) -> list[Float64Array | None]:
    """Return each leg's places on the shared lap, in metres, 0..lap_m; None for a leg that fits nowhere.

    Distance driven, modulo the lap, gives the place except for a start and a direction. Both follow from the best
    correlation with the steering of the longest leg, negated and mirrored for the other direction. Place 0 is the
    sharpest bend, and places grow in the direction in which the road as a whole turns left. A leg must be half a lap
    long.
    """
    if not driven_legs:
        return []
    longest = max(driven_legs, key=lambda leg: leg.distance_m[-1] - leg.distance_m[0])
    reference = _mean_road(longest, lap_m)
    return [_place_leg(leg, reference, lap_m) for leg in driven_legs]


def steering_agreement(reference: Leg, leg: Leg, lap_m: float) -> float | None:
    """Correlate a leg's steering with that of a reference's road, at the best start and in the better direction.

    None where that tells nothing: one of them never steers, or the leg is shorter than half a lap.
    """
    fit = _best_fit(leg, _mean_road(reference, lap_m), lap_m)
    return fit[0] if fit else None


def _profile(leg: Leg) -> tuple[Float64Array, Float64Array]:
    """Average the steering over SMOOTH_M at every metre of the leg."""
    metres = np.arange(leg.distance_m[0], leg.distance_m[-1], 1.0)
    step_m = np.diff(leg.distance_m)
    area = np.concatenate([[0.0], np.cumsum((leg.steering[1:] + leg.steering[:-1]) / 2 * step_m)])
    half = SMOOTH_M / 2
    area_ahead, area_behind = (np.interp(metres + shift, leg.distance_m, area) for shift in (half, -half))
    return metres, (area_ahead - area_behind) / SMOOTH_M


def _mean_road(leg: Leg, lap_m: float) -> Float64Array:
    """Average the steering at each metre of the lap, in the direction that turns left, from the sharpest bend on."""
    metres, steering = _profile(leg)
    size = round(lap_m)
    cell = (metres % lap_m / lap_m * size).astype(int) % size
    count = np.bincount(cell, minlength=size)
    road = np.bincount(cell, steering, size) / np.maximum(count, 1)
    if road.sum() > 0:
        road = -road[::-1]
    return np.roll(road, -int(np.argmax(np.abs(road))))


def _best_fit(leg: Leg, road: Float64Array, lap_m: float) -> tuple[float, int, int] | None:
    """Find the direction and the start at which a leg is steered most like the road; the correlation comes first."""
    metres, steering = _profile(leg)
    if metres.size < lap_m / 2 or steering.std() == 0 or road.std() == 0:
        return None
    fits = []
    for direction in (1, -1):
        for start in range(0, road.size, 2):
            cell = np.floor(start + direction * metres).astype(int) % road.size
            fits.append((float(np.corrcoef(direction * road[cell], steering)[0, 1]), direction, start))
    return max(fits)


def _place_leg(leg: Leg, road: Float64Array, lap_m: float) -> Float64Array | None:
    fit = _best_fit(leg, road, lap_m)
    if fit is None or not fit[0] >= LEAST_AGREEMENT:
        return None
    _, direction, start = fit
    return np.asarray((start + direction * leg.distance_m) % lap_m)
