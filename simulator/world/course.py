"""What is driven and judged: a track, or a recording that is replayed; who drives it need not know which.

A course starts one drive after the other and can draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from protocol.messages import Frame
from simulator.client.game_loop import World
from simulator.render.scene import Scene
from simulator.replay.reference_path import ReferencePath
from simulator.replay.replay_world import ReplayWorld
from simulator.world.car import Car
from simulator.world.drive_log import DriveLog
from simulator.world.map import draw_map
from simulator.world.offsets import draw_offsets
from simulator.world.track import Track
from simulator.world.track_world import TrackWorld, time_limit_s


class JudgedWorld(World, Protocol):
    """A world that can be driven without a socket, and knows how the drive went."""

    car: Car
    log: DriveLog

    def frame(self) -> Frame:
        """What the centre camera sees now, uint8 (160, 320, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """facts: what tells it apart in reports; length_m: of one drive; failed: what its log's events are, in words.

    own_speed: whether it is driven as fast as its recording. start: latency in seconds -> a new drive.
    draw: (title, drive) pairs -> a picture in a file.
    """

    facts: dict[str, Any]
    length_m: float
    failed: str
    own_speed: bool
    start: Callable[[float], JudgedWorld]
    draw: Callable[[Sequence[tuple[str, DriveLog]], Path], None]


def judged_world(track: Track, scene: Scene, laps: float, seed: int = 0, latency_s: float = 0.0) -> TrackWorld:
    """A drive that ends when the laps are driven, or when the car must have stopped."""
    return TrackWorld(track, scene, laps, seed, latency_s, time_limit_s(laps * track.length_m))


def track_course(track: Track, scene: Callable[[], Scene], laps: float, seed: int, reverse: bool) -> Course:
    """Laps of a track, the other way round if `reverse`. scene: gives its pictures, when first driven."""
    driven = track.reversed() if reverse else track

    def start(latency_s: float) -> TrackWorld:
        return judged_world(driven, scene(), laps, seed, latency_s)

    facts = {"track": track.name, "reverse": reverse}
    return Course(facts, laps * track.length_m, "off the road", False, start, partial(draw_map, driven))


def replay_course(line: ReferencePath, laps: float, intervention_m: float | None = None) -> Course:
    """A recording from its start. laps: the share of it; intervention_m: None for the replay's own choice."""
    share = min(laps, 1.0)
    limit_m = ReplayWorld(line, intervention_m=intervention_m).intervention_m

    def start(latency_s: float) -> ReplayWorld:
        return ReplayWorld(line, share, latency_s, intervention_m)

    def draw(drives: Sequence[tuple[str, DriveLog]], file: Path) -> None:
        draw_offsets(drives, limit_m, file)

    facts = {"track": f"replay:{line.name}", "reverse": False, "intervention_m": limit_m}
    return Course(facts, share * line.length_m, f"over {limit_m:g} m from the human's line", True, start, draw)
