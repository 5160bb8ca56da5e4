"""Whether the simulator's car goes where a person's car went: metres of a lap, and recorded steering driven again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from protocol.arrays import Float64Array
from simulator.replay.reference_path import PathSegment, ReferencePath
from training.likeness.frames import FOLLOWS_S, RealFrame
from training.likeness.location import Located
from training.likeness.view import DrawnTrack

Pair = tuple[RealFrame, Located]
Steps = tuple[PathSegment, int]

LEAST_LAPS = 0.5
"""Shortest way, in laps, from which a lap's metres are told."""


@dataclass(frozen=True, slots=True)
class Odometer:
    """A lap by speed and time, in metres, from the located frames of one stretch over some laps.

    mean_offset_m: of the car from the centre line, positive left. middle_m: the lap as it would be on the centre line,
    because a lap on the inside is shorter by 2 pi times the offset. scatter_m: root mean square distance of the frames
    from a steady odometer.
    """

    recording: str
    laps: float
    lap_m: float
    mean_offset_m: float
    middle_m: float
    scatter_m: float


@dataclass(frozen=True, slots=True)
class Replay:
    """The end of a stretch of recorded steering: metres ahead of and left of the recorded car, and degrees left of it.

    straight_m: how far aside the car would be with its wheel held straight. farthest_m: greatest distance of the
    replayed car from the centre line; human_m: the greater distance of the recorded car at both ends.
    """

    name: str
    seconds: float
    ahead_m: float
    left_m: float
    turned_deg: float
    straight_m: float
    farthest_m: float
    human_m: float


def odometers(road: DrawnTrack, pairs: Sequence[Pair]) -> list[Odometer]:
    """The metres of a lap, from each stretch that is long enough."""
    result = []
    for _, members in groupby(pairs, key=lambda pair: id(pair[0].stretch)):
        group = list(members)
        odometer_m = np.array([frame.odometer_m for frame, _ in group])
        places = np.array([located.pose.distance_m for _, located in group])
        if odometer_m[-1] - odometer_m[0] < LEAST_LAPS * road.length_m:
            continue
        laps = np.round((odometer_m - odometer_m[0] - (places - places[0])) / road.length_m)
        way = places + laps * road.length_m
        slope, start = np.polyfit(way, odometer_m, 1)
        scatter = odometer_m - (slope * way + start)
        lap_m = float(slope) * road.length_m
        offset_m = float(np.mean([located.pose.offset_m for _, located in group]))
        turns_left = math.copysign(1.0, float(road.ways[group[0][1].pose.backwards].curvature.sum()))
        result.append(
            Odometer(
                group[0][0].stretch.recording,
                float(way[-1] - way[0]) / road.length_m,
                lap_m,
                offset_m,
                lap_m + 2 * math.pi * offset_m * turns_left,
                float(np.sqrt(np.square(scatter).mean())),
            )
        )
    return result


def replays(road: DrawnTrack, pairs: Sequence[Pair], paths: Sequence[ReferencePath]) -> list[Replay]:
    """Drive the recorded steering from each located frame to the one that follows it, at the recorded speed."""
    steps = steps_of(paths)
    result = []
    for (first, start), (second, end) in pairwise(pairs):
        places = [steps.get(frame.stretch.samples[frame.row].center) for frame in (first, second)]
        if places[0] is None or places[1] is None or places[0][0] is not places[1][0]:
            continue
        seconds = float(second.stretch.time_s[second.row] - first.stretch.time_s[first.row])
        if seconds <= 1.5 * FOLLOWS_S:
            segment, (begin, stop) = places[0][0], (places[0][1], places[1][1])
            result.append(replay(road, first.name, (start, end), segment, slice(begin, stop + 1), seconds))
    return result


def steps_of(paths: Sequence[ReferencePath]) -> dict[Path, Steps]:
    """Where on its path each row is, by the file of its picture."""
    return {
        sample.center: (segment, int(step))
        for path in paths
        for segment in path.segments
        for sample, step in zip(segment.samples, segment.row_step, strict=True)
    }


def replay(
    road: DrawnTrack,
    name: str,
    ends: tuple[Located, Located],
    segment: PathSegment,
    steps: slice,
    seconds: float,
) -> Replay:
    """Drive the recorded steering of some steps from the first of two located frames, and compare the second one."""
    start, goal = (road.standing(located.pose) for located in ends)
    way = way_from(start.x, start.y, start.heading_rad - float(segment.heading_rad[steps.start]), segment, steps)
    turned = start.heading_rad + float(segment.heading_rad[steps.stop - 1] - segment.heading_rad[steps.start])
    track = road.ways[ends[0].pose.backwards]
    offsets = [track.locate(float(x), float(y)).offset_m for x, y in way]
    ahead, left = _axes(goal.heading_rad, way[-1] - (goal.x, goal.y))
    length_m = float(segment.distance_m[steps.stop - 1] - segment.distance_m[steps.start])
    straight = np.array([math.cos(start.heading_rad), math.sin(start.heading_rad)]) * length_m
    _, aside = _axes(goal.heading_rad, straight + (start.x - goal.x, start.y - goal.y))
    error_rad = (turned - goal.heading_rad + math.pi) % (2 * math.pi) - math.pi
    return Replay(
        name,
        seconds,
        ahead,
        left,
        math.degrees(error_rad),
        abs(aside),
        float(np.abs(offsets).max()),
        max(abs(located.pose.offset_m) for located in ends),
    )


def way_from(x: float, y: float, turn_rad: float, segment: PathSegment, steps: slice) -> Float64Array:
    """The segment's way between two steps, begun at (x, y) and turned: (steps, 2)."""
    dx, dy = segment.x[steps] - segment.x[steps.start], segment.y[steps] - segment.y[steps.start]
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    return np.stack([x + cos * dx - sin * dy, y + sin * dx + cos * dy], 1)


def _axes(heading_rad: float, vector: Float64Array) -> tuple[float, float]:
    """A vector's parts ahead and to the left of a heading."""
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    return float(vector[0] * cos + vector[1] * sin), float(vector[1] * cos - vector[0] * sin)
