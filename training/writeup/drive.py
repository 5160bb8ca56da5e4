"""The model of a write-up drives a built-in track; the drive's map becomes one of the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from inference.engine import open_engine
from simulator.render.opening import open_scene
from simulator.world.course import judged_world
from simulator.world.drive_log import DriveReport
from simulator.world.map import draw_map
from simulator.world.track import Track
from training.evaluate import drive


@dataclass(frozen=True, slots=True)
class JudgedDrive:
    """A drive: the track's name, the speed to hold in mph, and what came of it."""

    track: str
    speed_mph: float
    report: DriveReport


def drive_and_draw(model: Path, track: Track, laps: float, speed_mph: float, picture: Path) -> JudgedDrive:
    """Let a model file drive, and write the map of the drive as a PNG. Raises the errors of `open_engine`, OSError."""
    engine = open_engine(model)
    scene = open_scene(track)
    try:
        world = judged_world(track, scene, laps)
        total_m = round(laps * track.length_m)
        with tqdm(total=total_m, unit="m", unit_scale=True, desc=f"drives {track.name}") as bar:
            drive(engine, world, speed_mph, bar)
    finally:
        scene.close()
    draw_map(track, [(model.name, world.log)], picture)
    return JudgedDrive(track.name, speed_mph, world.log.report())
