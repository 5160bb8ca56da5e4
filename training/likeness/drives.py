"""Recorded steering driven again for longer: does it stay on the road, and how much must it be corrected on a lap?

A replay has no eyes, so an error of its first direction grows with the way: by 1.2 m after 10 s at 30 mph for half a
degree. A whole lap is driven with the car set onto the person's place at each located frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array
from simulator.replay.reference_path import PathSegment, ReferencePath
from simulator.world.car import STEP_S
from simulator.world.track import Track
from training.likeness.frames import RealFrame
from training.likeness.motion import Pair, Replay, Steps, replay, steps_of, way_from
from training.likeness.view import DrawnTrack, Pose

SECONDS = (5.0, 10.0)
"""How long recorded steering is driven from a located frame."""

EVERY = 5
"""Steps of the car between two looks at where it is."""


@dataclass(frozen=True, slots=True)
class LongReplay:
    """Recorded steering from one located frame on. on_road: the rear axle's middle stayed on the carriageway.

    farthest_m: its greatest distance from the centre line; metres: of the way.
    """

    name: str
    seconds: float
    metres: float
    farthest_m: float
    on_road: bool


@dataclass(frozen=True, slots=True)
class Lap:
    """An unbroken recording, driven from its first located frame to its last one.

    corrections: at each located frame after the first, how far the car had come from the person's; on_road: the share
    of the way on the carriageway.
    """

    recording: str
    laps: float
    seconds: float
    corrections: tuple[Replay, ...]
    farthest_m: float
    on_road: float


def drives(road: DrawnTrack, pairs: Sequence[Pair], paths: Sequence[ReferencePath]) -> list[LongReplay]:
    """Drive recorded steering from each located frame for SECONDS, where the recording goes on for so long."""
    steps = steps_of(paths)
    result = []
    for frame, place in pairs:
        segment, start = steps.get(frame.stretch.samples[frame.row].center, (None, 0))
        for seconds in SECONDS:
            stop = start + round(seconds / STEP_S)
            if segment is None or stop >= segment.x.size:
                continue
            offsets, on_road = _way(road, place.pose, segment, slice(start, stop + 1))
            metres = float(segment.distance_m[stop] - segment.distance_m[start])
            result.append(LongReplay(frame.name, seconds, metres, float(np.abs(offsets).max()), bool(on_road.all())))
    return result


def laps(road: DrawnTrack, pairs: Sequence[Pair], paths: Sequence[ReferencePath]) -> list[Lap]:
    """Drive each unbroken recording with three or more located frames, corrected at each of them."""
    steps = steps_of(paths)
    known = [(pair, steps[key]) for pair in pairs if (key := _key(pair[0])) in steps]
    result = []
    for _, group in groupby(known, key=lambda item: id(item[1][0])):
        members = list(group)
        if len(members) > 2:
            result.append(_lap(road, members))
    return result


def _lap(road: DrawnTrack, members: Sequence[tuple[Pair, Steps]]) -> Lap:
    corrections, offsets, on_road = [], [], []
    for ((first, start), (segment, begin)), ((second, end), (_, stop)) in pairwise(members):
        part = slice(begin, stop + 1)
        seconds = float(second.stretch.time_s[second.row] - first.stretch.time_s[first.row])
        corrections.append(replay(road, first.name, (start, end), segment, part, seconds))
        passed, on = _way(road, start.pose, segment, part)
        offsets.append(passed)
        on_road.append(on)
    segment, begin, stop = members[0][1][0], members[0][1][1], members[-1][1][1]
    return Lap(
        members[0][0][0].stretch.recording,
        float(segment.distance_m[stop] - segment.distance_m[begin]) / road.length_m,
        sum(correction.seconds for correction in corrections),
        tuple(corrections),
        float(np.abs(np.concatenate(offsets)).max()),
        float(np.concatenate(on_road).mean()),
    )


def _way(road: DrawnTrack, pose: Pose, segment: PathSegment, part: slice) -> tuple[Float64Array, npt.NDArray[np.bool_]]:
    """Distances from the centre line, positive left, of a car that begins at a pose, and whether it is on the road."""
    car = road.standing(pose)
    turn_rad = car.heading_rad - float(segment.heading_rad[part.start])
    track = road.ways[pose.backwards]
    near, offsets, on_road = _index(track, pose), [], []
    for x, y in way_from(car.x, car.y, turn_rad, segment, part)[::EVERY]:
        place = track.locate(float(x), float(y), near)
        near = place.index
        offsets.append(place.offset_m)
        on_road.append(abs(place.offset_m) <= track.side(place.offset_m).road_m[near])
    return np.array(offsets), np.array(on_road)


def _index(track: Track, pose: Pose) -> int:
    return round(pose.distance_m / track.spacing_m) % len(track.points)


def _key(frame: RealFrame) -> object:
    return frame.stretch.samples[frame.row].center
