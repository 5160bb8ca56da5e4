"""Positions of a car on a round road, for tests of what follows it."""

import math

from protocol.position import Position, Whereabouts


def circle(metres: float, lap_m: float = 400.0) -> tuple[float, float]:
    angle = 2 * math.pi * metres / lap_m
    radius = lap_m / (2 * math.pi)
    return radius * math.cos(angle), radius * math.sin(angle)


def lap_position(metres: float, speed_mps: float = 10.0, lap_m: float = 400.0) -> Position:
    x_m, y_m = circle(metres, lap_m)
    return Position(1 + int(metres / lap_m), metres / speed_mps, 0.1, x_m, y_m, 0)


def drive(car: Whereabouts, start_m: float, end_m: float, step_m: float = 0.5) -> None:
    for i in range(round((end_m - start_m) / step_m)):
        position = lap_position(start_m + i * step_m)
        car.note(position, 1e9)
