"""Where the car's four wheels stand, and how long some of them were off the carriageway."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.roads.profile import Surface
from simulator.world.car import STEP_S, Car
from simulator.world.track import Place, Track

AXLES_M, WHEELS_M = 2.87, 2.0
"""Distance of the front axle from the rear one, and of the wheels of an axle, as in Udacity's car."""

ALL_BACK_S = 0.5
"""So long all wheels must be on the carriageway until their next departure counts anew."""

Wheels = tuple[Surface, Surface, Surface, Surface]
"""What the rear left, rear right, front left and front right wheel stand on."""


def wheel_surfaces(track: Track, car: Car, place: Place) -> Wheels:
    """What each wheel stands on. place: of the middle of the rear axle."""
    ahead_x, ahead_y = AXLES_M * math.cos(car.heading_rad), AXLES_M * math.sin(car.heading_rad)
    front = track.locate(car.x + ahead_x, car.y + ahead_y, place.index + round(AXLES_M / track.spacing_m))
    return (*_axle(track, car, place), *_axle(track, car, front))


def _axle(track: Track, car: Car, middle: Place) -> tuple[Surface, Surface]:
    """What the left and the right wheel of an axle stand on."""
    error_rad = car.heading_rad - middle.heading_rad
    ahead_m, aside_m = -WHEELS_M / 2 * math.sin(error_rad), WHEELS_M / 2 * math.cos(error_rad)
    return (
        track.surface(middle.distance_m + ahead_m, middle.offset_m + aside_m),
        track.surface(middle.distance_m - ahead_m, middle.offset_m - aside_m),
    )


class WheelLog:
    """Counts how often a wheel left the carriageway, and measures how far the car drove so.

    at_m: where on the lap each departure began; longest_m: the longest way of one departure.
    """

    def __init__(self) -> None:
        self.at_m: list[float] = []
        self.longest_m = 0.0
        self._way_m = 0.0
        self._on_s = math.inf

    def note(self, wheels: Sequence[Surface], advance_m: float, place: Place) -> None:
        """Log one step of the car."""
        if all(surface == "road" for surface in wheels):
            self._on_s += STEP_S
            return
        if self._on_s >= ALL_BACK_S:
            self.at_m.append(place.distance_m)
            self._way_m = 0.0
        self._on_s = 0.0
        self._way_m += max(0.0, advance_m)
        self.longest_m = max(self.longest_m, self._way_m)

    def note_put_back(self) -> None:
        """Log that the car was put back to the middle, which ends a departure."""
        self._on_s = math.inf
