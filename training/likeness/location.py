"""Fine search: moves a drawn car until its picture has the outlines of a real frame.

It is a pattern search (Hooke and Jeeves, 1961): one step forth or back along, aside, and in direction; steps that help
are repeated together, and all are halved when none helps. It begins at the best of many starts, because bends look
alike a few metres on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from protocol.messages import Frame
from simulator.render.camera import FOCAL_PX
from training.likeness.outline import likeness, outline, turn_view
from training.likeness.view import DrawnTrack, Pose

LEAST_FIT = 0.4
"""A frame whose outlines are less alike than this is left out of all figures."""

Steps = tuple[float, float, float]
"""Metres along, metres to the left, radians to the left."""

STARTS_M = tuple(product((-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0), (-2.0, -1.0, 0.0, 1.0, 2.0)))
"""Metres along and to the left of the pose at which the search begins; the direction follows from each picture."""

BEST_STARTS = 3
TURNS = tuple(range(-10, 11))
"""Columns of the coarse outline by which a start's picture is turned: up to 16 degrees."""

FIRST_STEPS: Steps = (1.5, 0.5, math.radians(1.5))

COARSE, FINE = 4, 2
"""Pixels of the frame that make one of the outline, in the two passes of the search."""

COARSE_HALVINGS, FINE_HALVINGS = 3, 4
"""How often the steps are halved in each pass; the last ones are 12 mm, 4 mm and 0.01 degrees."""


@dataclass(frozen=True, slots=True)
class Located:
    """The best pose, and how alike the outlines are there."""

    pose: Pose
    fit: float


def locate(road: DrawnTrack, pixels: Frame, near: Pose) -> Located:
    """Find where the car stood that took the frame, at most a few metres and degrees from a pose."""
    coarse = _Search(road, pixels, COARSE)
    starts = sorted((coarse.at_best_turn(road.moved(near, *start, 0.0)) for start in STARTS_M), key=_fit)[-BEST_STARTS:]
    summits = [coarse.climb(coarse.at(start.pose), FIRST_STEPS, COARSE_HALVINGS) for start in starts]
    return refine(road, pixels, max(summits, key=_fit).pose)


def refine(road: DrawnTrack, pixels: Frame, near: Pose) -> Located:
    """The last part of the search alone: the car stood at most a few decimetres from a pose."""
    fine = _Search(road, pixels, FINE)
    return fine.climb(fine.at(near), _shorter(FIRST_STEPS, 2**COARSE_HALVINGS), FINE_HALVINGS)


class _Search:
    """The likeness of one frame to drawn views, and the climb to the best of them."""

    def __init__(self, road: DrawnTrack, pixels: Frame, shrink: int) -> None:
        self._road, self._shrink = road, shrink
        self._target = outline(pixels, shrink)

    def at(self, pose: Pose) -> Located:
        return Located(pose, likeness(self._target, outline(self._road.frame(pose), self._shrink)))

    def at_best_turn(self, pose: Pose) -> Located:
        """The pose with the direction at which its picture, turned, fits best, and about how well."""
        picture = outline(self._road.frame(pose), self._shrink)
        fits = [likeness(self._target, turn_view(picture, columns)) for columns in TURNS]
        columns = TURNS[int(np.argmax(fits))]
        left_rad = math.atan(columns * self._shrink / FOCAL_PX)
        return Located(self._road.moved(pose, 0.0, 0.0, left_rad), max(fits))

    def climb(self, start: Located, steps: Steps, halvings: int) -> Located:
        best = start
        for number in range(halvings + 1):
            shorter = _shorter(steps, 2**number)
            while (better := self._explore(best, shorter)).fit > best.fit:
                best = self._leap(best, better)
        return best

    def _explore(self, start: Located, steps: Steps) -> Located:
        best = start
        for axis, step in enumerate(steps):
            for size in (step, -step):
                by = [0.0, 0.0, 0.0]
                by[axis] = size
                if (located := self.at(self._road.moved(best.pose, *by))).fit > best.fit:
                    best = located
                    break
        return best

    def _leap(self, start: Located, better: Located) -> Located:
        """Repeat the change from one pose to a better one, if that helps."""
        along, left = (
            better.pose.distance_m - start.pose.distance_m,
            better.pose.offset_m - start.pose.offset_m,
        )
        straight = self._road.moved(start.pose, along, left, 0.0)
        leap = self.at(self._road.moved(better.pose, along, left, better.pose.heading_rad - straight.heading_rad))
        return max(better, leap, key=_fit)


def _fit(located: Located) -> float:
    return located.fit


def _shorter(steps: Steps, factor: float) -> Steps:
    along, left, turn = steps
    return along / factor, left / factor, turn / factor
