"""What models are judged on: the built-in tracks, or recordings that are replayed; the judge asks no further.

A course starts one drive after the other and can draw them; all else about it is its own affair.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from protocol.messages import Frame
from protocol.recording import read_recording
from simulator.car import Car
from simulator.client import World
from simulator.drive_log import DriveLog
from simulator.human_line import HumanLine, human_line
from simulator.map import draw_map
from simulator.offsets import draw_offsets
from simulator.replay import ReplayWorld
from simulator.scene import Scene
from simulator.track import Track, open_track
from simulator.world import TrackWorld, time_limit_s


class Judged(World, Protocol):
    """A world that can be driven without a socket, and knows how the drive went."""

    car: Car
    log: DriveLog

    def frame(self) -> Frame:
        """What the centre camera sees now, uint8 (160, 320, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """case: what tells it apart in reports; length_m: of one drive.

    start: latency in seconds -> a new drive. draw: (title, drive) pairs -> a picture in a file.
    """

    case: dict[str, Any]
    length_m: float
    start: Callable[[float], Judged]
    draw: Callable[[Sequence[tuple[str, DriveLog]], Path], None]


def judged_world(track: Track, scene: Scene, laps: float, seed: int = 0, latency_s: float = 0.0) -> TrackWorld:
    """A drive that ends when the laps are driven, or when the car must have stopped."""
    return TrackWorld(track, scene, laps, seed, latency_s, time_limit_s(laps * track.length_m))


def courses(options: argparse.Namespace, stack: ExitStack) -> list[Course]:
    """All that the options name, closed with `stack`. Raises ValueError, RuntimeError and OSError for bad ones."""
    lines = [human_line(read_recording(folder)) for folder in options.replay]
    for line in lines:
        print(line.summary())
    tracks = [open_track(name) for name in options.track or ([] if lines else ["lake"])]
    on_tracks = [course for track in tracks for course in _ways(track, options, stack)]
    return [*on_tracks, *(_replay(line, options.laps, options.intervention_m) for line in lines)]


def _ways(track: Track, options: argparse.Namespace, stack: ExitStack) -> list[Course]:
    """One way round, or both; drawn when first driven."""

    @cache
    def scene() -> Scene:
        drawn = Scene(track)
        stack.callback(drawn.close)
        return drawn

    def start(driven: Track, latency_s: float) -> TrackWorld:
        return judged_world(driven, scene(), options.laps, options.seed, latency_s)

    return [
        Course(
            {"track": track.name, "reverse": reverse, "speed_mph": options.speed},
            options.laps * track.length_m,
            partial(start, track.reversed() if reverse else track),
            partial(draw_map, track),
        )
        for reverse in ((False, True) if options.both_ways else (options.reverse,))
    ]


def _replay(line: HumanLine, laps: float, intervention_m: float | None) -> Course:
    share = min(laps, 1.0)
    limit_m = ReplayWorld(line, intervention_m=intervention_m).intervention_m

    def draw(drives: Sequence[tuple[str, DriveLog]], file: Path) -> None:
        draw_offsets(drives, limit_m, file)

    def start(latency_s: float) -> ReplayWorld:
        return ReplayWorld(line, share, latency_s, intervention_m)

    case = {"track": f"replay:{line.name}", "reverse": False, "speed_mph": None, "intervention_m": limit_m}
    return Course(case, share * line.length_m, start, draw)
