"""A course is a track or a replayed recording; a driver need not know which.

A course starts one drive after another and can draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from protocol.messages import Frame
from simulator.client.game_loop import World
from simulator.render.camera import AUTONOMOUS, RIGS, Rig
from simulator.render.opening import TrackScene
from simulator.replay.reference_path import ReferencePath
from simulator.replay.replay_world import ReplayWorld
from simulator.world.car import Car
from simulator.world.drive_log import DriveLog, FinishedDrive
from simulator.world.map import draw_map
from simulator.world.offsets import draw_offsets
from simulator.world.track import Track
from simulator.world.track_world import TrackWorld, time_limit_s


class JudgedWorld(World, Protocol):
    """A world that can be driven without a socket and logs the drive."""

    car: Car
    log: DriveLog

    def frame(self) -> Frame:
        """Render the centre camera's view, uint8 (160, 320, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """facts: fields that identify it in reports; length_m: of one drive; failed: reports' name for its log's events.

    own_speed: whether the car keeps the recording's speed. start: latency in seconds -> a new drive.
    draw: writes (title, drive) pairs as a picture into a file.
    """

    facts: dict[str, Any]
    length_m: float
    failed: str
    own_speed: bool
    start: Callable[[float], JudgedWorld]
    draw: Callable[[Sequence[tuple[str, DriveLog | FinishedDrive]], Path], None]


def judged_world(
    track: Track, scene: TrackScene, laps: float, seed: int = 0, latency_s: float = 0.0, rig: Rig = AUTONOMOUS
) -> TrackWorld:
    """Start a drive that ends after the laps, or at a time limit that only a stopped car reaches."""
    return TrackWorld(track, scene, laps, seed, latency_s, time_limit_s(laps * track.length_m), rig=rig)


def track_course(
    track: Track, scene: Callable[[], TrackScene], laps: float, seed: int, reverse: bool, camera: str = "autonomous"
) -> Course:
    """A course of laps on a track, in the other direction if `reverse`.

    scene: returns the renderer, at each start; camera: the rig's name in RIGS.
    """
    directed_track = track.reversed() if reverse else track

    def start(latency_s: float) -> TrackWorld:
        return judged_world(directed_track, scene(), laps, seed, latency_s, RIGS[camera])

    facts = {"track": track.name, "reverse": reverse, "camera": camera}
    return Course(facts, laps * track.length_m, "off the road", False, start, partial(draw_map, directed_track))


def replay_course(
    path: ReferencePath, laps: float, intervention_m: float | None = None, camera: str = "autonomous"
) -> Course:
    """A course along a recording.

    laps: the share of it; intervention_m: None for ReplayWorld's default; camera: the rig's name in RIGS.
    """
    share = min(laps, 1.0)
    limit_m = ReplayWorld(path, intervention_m=intervention_m).intervention_m

    def start(latency_s: float) -> ReplayWorld:
        return ReplayWorld(path, share, latency_s, intervention_m, RIGS[camera].center)

    def draw(drives: Sequence[tuple[str, DriveLog | FinishedDrive]], file: Path) -> None:
        draw_offsets(drives, limit_m, file)

    facts = {"track": f"replay:{path.name}", "reverse": False, "camera": camera, "intervention_m": limit_m}
    return Course(facts, share * path.length_m, f"over {limit_m:g} m from the human's line", True, start, draw)
