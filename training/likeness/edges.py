"""Whether the road's edge lines lie in a real frame where the survey and the camera put them, in pixels.

The line is looked for in each row of pixels, within REACH_PX of where it should be: the strongest yellow there. Rows
without a clear yellow do not count: the bridge and the dirt have no line, and far away it is thinner than a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from protocol.messages import FRAME_COLUMNS, Frame
from simulator.render.camera import CAMERA_AHEAD_M, HOOD_ROW
from simulator.render.road import LINE_M, LINE_WIDTH_M
from training.likeness.view import DrawnTrack, Pose

REACH_PX = 8
"""How far from its place the line is looked for; places at random would be 4 pixels off at the median."""

LEAST_YELLOW = 14.0
"""By how much, of 255, a line is more yellow than its surroundings."""

AHEAD_M = np.arange(4.0, 40.0, 0.5)
"""Distances from the camera at which the line is projected; rows between them are interpolated."""


@dataclass(frozen=True, eq=False, slots=True)
class EdgeErrors:
    """Columns by which the line seen lies right of its place, (n,), and the rows of pixels, (n,), in which it does."""

    columns: Float64Array
    rows: npt.NDArray[np.intp]


def edge_errors(road: DrawnTrack, pose: Pose, pixels: Frame) -> EdgeErrors:
    """Measure both edge lines in a real frame."""
    yellow = _yellow(pixels)
    columns, rows = [], []
    for side in (1, -1):
        for row, column in projected(road, pose, side):
            line_column = _line_column(yellow[row], column)
            if line_column is not None:
                columns.append(line_column - column)
                rows.append(row)
    return EdgeErrors(np.array(columns), np.array(rows, np.intp))


def projected(road: DrawnTrack, pose: Pose, side: int) -> list[tuple[int, float]]:
    """The (row, column) of the left (1) or right (-1) edge line in a picture, in the rows that it crosses.

    Columns are continuous: 0 is the outer edge of the first pixel. Rows end above the hood.
    """
    edge_m = road.ways[pose.backwards].side(side).road_m
    car = road.standing(pose)
    cos, sin = math.cos(car.heading_rad), math.sin(car.heading_rad)
    points = []
    for distance_m in pose.distance_m + CAMERA_AHEAD_M + AHEAD_M:
        index = round(float(distance_m) / road.length_m * len(edge_m)) % len(edge_m)
        line_m = float(edge_m[index]) + LINE_M + LINE_WIDTH_M / 2
        spot = road.standing(Pose(pose.backwards, float(distance_m), side * line_m, 0.0))
        dx, dy = spot.x - car.x, spot.y - car.y
        ahead = dx * cos + dy * sin - CAMERA_AHEAD_M
        below = road.camera.height_m + car.height_m - spot.height_m + car.slope * (ahead + CAMERA_AHEAD_M)
        points.append((dx * sin - dy * cos, below, ahead))
    column, row, depth = road.camera.projection() @ np.array(points).T
    near = depth > 1.0
    column, row = column[near] / depth[near], row[near] / depth[near]
    if row.size < 2 or not (np.diff(row) < 0).all():
        return []
    rows = np.arange(max(0, math.ceil(row.min() - 0.5)), min(HOOD_ROW, math.floor(row.max() - 0.5) + 1))
    columns = np.interp(rows + 0.5, row[::-1], column[::-1])
    return [(int(r), float(c)) for r, c in zip(rows, columns, strict=True) if 0 <= c < FRAME_COLUMNS]


def _yellow(pixels: Frame) -> Float64Array:
    """How yellow each pixel is, of 255: the lesser of red and green, less blue."""
    colour = pixels.astype(np.float64)
    return np.minimum(colour[..., 0], colour[..., 1]) - colour[..., 2]


def _line_column(yellow: Float64Array, column: float) -> float | None:
    """Where the line is in a row of pixels: the middle of the strongest yellow near a column.

    None without a clear one, or with one that reaches out of the part that is looked at.
    """
    first, end = max(0, math.floor(column) - REACH_PX), min(FRAME_COLUMNS, math.floor(column) + REACH_PX + 1)
    part = yellow[first:end] - np.median(yellow[first:end])
    peak = int(part.argmax())
    if part[peak] < LEAST_YELLOW:
        return None
    line = part >= part[peak] / 2
    low, high = peak, peak
    while low > 0 and line[low - 1]:
        low -= 1
    while high < part.size - 1 and line[high + 1]:
        high += 1
    if low == 0 or high == part.size - 1:
        return None
    weight = part[low : high + 1]
    return first + float((weight * (np.arange(low, high + 1) + 0.5)).sum() / weight.sum())
