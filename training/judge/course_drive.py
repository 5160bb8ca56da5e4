"""A process of the pool drives courses; it takes and returns plain values. Models stay open in it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from inference.engine import Engine, open_engine
from simulator.world.drive_log import Position
from training.evaluate import FRAME_S, drive
from training.jobs.process import tell
from training.judge.course import CourseName, OpenCourses

ENGINES = 8
"""So many models stay open in a process."""

MOST_POSITIONS = 200_000
"""More of them would not be seen on a map, and would have to be sent."""

_courses = OpenCourses()


class ShareBar:
    """A drive advances it as a progress bar; it tells the pool which share of the way is driven."""

    def __init__(self, total_m: float) -> None:
        self.total, self.n = total_m, 0.0

    def update(self, metres: float) -> None:
        """Advance it."""
        self.n += metres
        tell(self.n / self.total)


@lru_cache(ENGINES)
def _engine(file: str, preprocess: str | None, threads: int) -> Engine:
    return open_engine(Path(file), "auto", preprocess, threads)


def drive_course(argument: dict[str, Any]) -> dict[str, Any]:
    """Drive a course once. Raises ValueError, RuntimeError, OSError.

    argument: `course`, the fields of a CourseName; `file` and `preprocess`, the model; `threads` of its engine;
    `latency_ms`, `speed_mph` and `careful`; `positions`, whether a map will be drawn.
    Returns `report`, the fields of a DriveReport, `stops`, `frames_per_s`, and `positions`, None where the car jumped.
    """
    course = _courses.course(CourseName(**argument["course"]))
    engine = _engine(argument["file"], argument["preprocess"], argument["threads"])
    world = course.start(argument["latency_ms"] / 1000)
    start_s = time.perf_counter()
    stops = drive(engine, world, argument["speed_mph"], ShareBar(course.length_m), argument["careful"])
    frames_per_s = world.log.time_s / FRAME_S / (time.perf_counter() - start_s)
    positions = _sent(world.log.positions) if argument["positions"] else []
    return {
        "report": asdict(world.log.report()),
        "stops": stops,
        "frames_per_s": round(frames_per_s, 1),
        "positions": positions,
    }


def _sent(positions: list[Position]) -> list[list[float] | None]:
    step = 1 + len(positions) // MOST_POSITIONS
    return [
        None if math.isnan(position[0]) else [round(value, 3) for value in position]
        for number, position in enumerate(positions)
        if number % step == 0 or math.isnan(position[0])
    ]
