"""Coarse search: the whole lap drawn at low resolution, in which the frames of a stretch find their place together.

One picture may look like another place. The frames of a stretch share one unknown, because the odometer tells the
distances between them; so the place at which all of them fit best is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from training.likeness.frames import RealFrame
from training.likeness.outline import Outline, outline, turn_view
from training.likeness.view import DrawnTrack, Pose

SHRINK = 4
SPACING_M = 4.0
OFFSETS_M = (-1.8, 0.0, 1.8)
TURNS = tuple(range(-6, 7))
"""Columns by which a picture is turned to allow for the car's heading: up to 9.8 degrees."""


@dataclass(frozen=True, eq=False, slots=True)
class Atlas:
    """Outlines of the lap in both directions. outlines: float32 (2, places, offsets, numbers), each flattened."""

    outlines: npt.NDArray[np.float32]
    spacing_m: float

    def fits(self, picture: Outline) -> npt.NDArray[np.float32]:
        """How alike a picture and each place are, at the best offset and heading: (2, places)."""
        turned_pictures = np.stack([turn_view(picture, columns).ravel() for columns in TURNS])
        return np.asarray((self.outlines @ turned_pictures.T).max((2, 3)))


def draw_atlas(road: DrawnTrack, watch: Callable[[Iterable[Pose]], Iterable[Pose]] = iter) -> Atlas:
    """Draw the lap every SPACING_M, at each of OFFSETS_M and both ways. watch: passes the poses on, for a bar."""
    places = round(road.length_m / SPACING_M)
    spacing_m = road.length_m / places
    poses = [
        Pose(backwards, place * spacing_m, offset_m, 0.0)
        for backwards in (False, True)
        for place in range(places)
        for offset_m in OFFSETS_M
    ]
    outlines = np.stack([outline(road.frame(pose), SHRINK).ravel() for pose in watch(poses)])
    return Atlas(outlines.reshape(2, places, len(OFFSETS_M), -1), spacing_m)


def place_together(atlas: Atlas, frames: Sequence[RealFrame], length_m: float) -> list[Pose]:
    """Place the frames of one stretch by pictures and odometer, on the middle of the road.

    Each distance is within about SPACING_M; offset and heading are 0.
    """
    grid = np.arange(atlas.outlines.shape[1] + 1) * atlas.spacing_m
    starts_m = np.arange(0.0, length_m, 1.0)
    total = np.zeros((2, starts_m.size))
    for frame in frames:
        fits = _widened(atlas.fits(outline(frame.pixels, SHRINK)))
        at_m = (starts_m + frame.odometer_m) % length_m
        for way in (0, 1):
            total[way] += np.interp(at_m, grid, np.append(fits[way], fits[way, 0]))
    best_way, start = np.unravel_index(int(total.argmax()), total.shape)
    first_m = float(starts_m[int(start)])
    return [Pose(bool(best_way), (first_m + frame.odometer_m) % length_m, 0.0, 0.0) for frame in frames]


def _widened(fits: npt.NDArray[np.float32]) -> Float64Array:
    """Let each place take the best fit of its neighbours, because odometers drift by a few metres a lap."""
    return np.maximum(fits, np.maximum(np.roll(fits, 1, 1), np.roll(fits, -1, 1))).astype(np.float64)
