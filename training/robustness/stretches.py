"""Where a track is driven: on the stretches that turn most, because a straight road tells good from bad too rarely.

A lap of the lake costs three times as much as these stretches, and has no other sharp bend.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from protocol.arrays import Float64Array
from simulator.world.track import Track


class RoadStretch(NamedTuple):
    """A part of a lap, or more than one lap. start_m: where it begins; length_m: how far is driven."""

    start_m: float
    length_m: float


def choose_stretches(track: Track, metres: float, count: int) -> list[RoadStretch]:
    """`count` stretches of `metres` in all, the one that turns most first; none of them overlap on one lap.

    One stretch of a lap or more begins where laps do. Raises ValueError where the lap is too short for so many.
    """
    length_m = metres / count
    if count == 1 and length_m >= track.length_m:
        return [RoadStretch(0.0, length_m)]
    turning = _turning(track, length_m)
    reach = round(length_m / track.spacing_m)
    stretches: list[RoadStretch] = []
    for _ in range(count):
        start = int(turning.argmax())
        if np.isneginf(turning[start]):
            raise ValueError(
                f"{track.name} has no room for {count} stretches of {length_m:.0f} m on its {track.length_m:.0f} m; "
                f"ask for fewer starts or metres, or for whole laps with one start"
            )
        stretches.append(RoadStretch(start * track.spacing_m, length_m))
        turning[np.arange(start - reach + 1, start + reach) % len(turning)] = -np.inf
    return stretches


def _turning(track: Track, length_m: float) -> Float64Array:
    """How far the road turns, left and right added up, on the stretch that begins at each point, (n,) radians."""
    count = len(track.points)
    reach = min(count, round(length_m / track.spacing_m))
    angle_rad = np.concatenate([[0.0], np.tile(np.abs(track.curvature) * track.spacing_m, 2).cumsum()])
    return np.asarray(angle_rad[reach : reach + count] - angle_rad[:count])
