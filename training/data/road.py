"""Where on the road each row of a recording was driven, from its speeds, times and steering alone.

Laps show the same places again and again, so a fair test holds out places, not rows: every lap of every recording, in
both directions, over the same stretch of road. That needs a position that all of them share.
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
"""Length over which steering is averaged before places are compared: longer than a driver's single correction."""

LEAST_AGREEMENT = 0.5
"""Correlation of two drives' steering below which they are not the same road. Right ones reach 0.65 to 0.98."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of a recording driven without a standstill or a gap.

    rows: indices into its samples; distance_m: along the leg.
    """

    recording: int
    rows: npt.NDArray[np.intp]
    distance_m: Float64Array
    steering: Float64Array


def legs(recording: int, samples: Sequence[Sample], time_s: Float64Array) -> list[Leg]:
    """Cut a recording at its sessions, gaps and standstills, without the manoeuvres beside them. time_s: (n,) seconds.

    Where rows are left out nobody knows how far the car went meanwhile, nor whether it turned round.
    """
    steering = np.array([s.steering for s in samples])
    pieces = unbroken_pieces(samples, time_s, SESSION_GAP_S)
    return [
        Leg(recording, rows, piece.distance_m[piece.steady], steering[rows])
        for piece in pieces
        if (rows := piece.rows[piece.steady]).size > 1
    ]


def places_m(found: Sequence[Leg], lap_m: float) -> list[Float64Array | None]:
    """Each leg -> place of its rows in metres, 0..lap_m, shared by all legs; None for a leg that fits nowhere.

    Distance driven, modulo the lap, gives the place up to a start and a direction; both follow from the road's bends,
    by the best correlation with the steering of the longest leg (negated and mirrored for the other direction). Place 0
    is the sharpest bend, and places grow the way round in which the road as a whole turns left.

    Agrees within about 10 m on the lake (five legs, two drivers, both directions). A leg must be half a lap long.
    """
    if not found:
        return []
    longest = max(found, key=lambda leg: leg.distance_m[-1] - leg.distance_m[0])
    reference = _road(longest, lap_m)
    return [_placed(leg, reference, lap_m) for leg in found]


def _profile(leg: Leg) -> tuple[Float64Array, Float64Array]:
    """Steering averaged over SMOOTH_M at every metre of the leg."""
    metres = np.arange(leg.distance_m[0], leg.distance_m[-1], 1.0)
    driven = np.diff(leg.distance_m)
    area = np.concatenate([[0.0], np.cumsum((leg.steering[1:] + leg.steering[:-1]) / 2 * driven)])
    half = SMOOTH_M / 2
    ahead, behind = (np.interp(metres + shift, leg.distance_m, area) for shift in (half, -half))
    return metres, (ahead - behind) / SMOOTH_M


def _road(leg: Leg, lap_m: float) -> Float64Array:
    """Mean steering at each metre of the lap, as driven the way that turns left, from the sharpest bend on."""
    metres, steering = _profile(leg)
    size = round(lap_m)
    cell = (metres % lap_m / lap_m * size).astype(int) % size
    count = np.bincount(cell, minlength=size)
    road = np.bincount(cell, steering, size) / np.maximum(count, 1)
    if road.sum() > 0:
        road = -road[::-1]
    return np.roll(road, -int(np.argmax(np.abs(road))))


def _placed(leg: Leg, road: Float64Array, lap_m: float) -> Float64Array | None:
    metres, steering = _profile(leg)
    if metres.size < lap_m / 2 or steering.std() == 0 or road.std() == 0:
        return None
    fits = []
    for direction in (1, -1):
        for start in range(0, road.size, 2):
            cell = np.floor(start + direction * metres).astype(int) % road.size
            fits.append((np.corrcoef(direction * road[cell], steering)[0, 1], direction, start))
    agreement, direction, start = max(fits)
    if not agreement >= LEAST_AGREEMENT:
        return None
    return np.asarray((start + direction * leg.distance_m) % lap_m)
