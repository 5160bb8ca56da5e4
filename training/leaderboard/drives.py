"""A process of the pool drives: it keeps the scene that it has drawn and the models that it has opened.

`drive_task` and `film_task` take and return plain values.
"""

from __future__ import annotations

import base64
import math
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from film.overlay import Shot
from film.timeline import FrameLimit
from film.writer import FilmWriter
from inference.engine import Engine, open_engine
from inference.observations import Observations
from inference.policy import Answer, Policy, PolicyError
from protocol.messages import FRAME_SHAPE
from simulator.render.opening import TrackScene, changed_scene, open_scene
from simulator.world.car import STEP_S
from simulator.world.drive_log import DriveLog
from simulator.world.track import Track, open_track
from simulator.world.track_world import TrackWorld, time_limit_s
from training.evaluate import drive
from training.leaderboard.small_film import small_film
from training.leaderboard.tasks import MINUTE_S, TRACE_S, DriveResult, DriveTask, as_json

ENGINES = 8
"""So many models stay open in a process."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""The start of seed n is at this share of the lap, n times: the starts spread over it however many there are."""

PICTURES_PER_S = 8.0
LOG_S = 5 * STEP_S
"""Between two positions of a log."""

EVERY = round(TRACE_S / LOG_S)
BLANK = np.zeros(FRAME_SHAPE, np.uint8)
DEPARTURE_M = 1e6
"""A departure is worse than any distance from the middle."""


class FilmedEnough(Exception):
    """The drive has come to the end of the film."""


class Workshop:
    """The scene and the engines of this process."""

    def __init__(self) -> None:
        self._scene: tuple[str, Track, TrackScene] | None = None
        self._engines: OrderedDict[str, Engine] = OrderedDict()

    def world(self, task: DriveTask) -> TrackWorld:
        """Start a task's drive. Raises ValueError, RuntimeError, OSError."""
        name, track, scene = self._scene or ("", None, None)
        if track is None or scene is None or name != task.track:
            self._scene = None
            track = open_track(task.track)
            scene = changed_scene(scene, track) if scene else open_scene(track)
            self._scene = (task.track, track, scene)
        way = track.reversed() if task.reverse else track
        start_m = task.seed * GOLDEN % 1 * track.length_m
        limit_s = time_limit_s(task.laps * track.length_m)
        return TrackWorld(way, scene, task.laps, task.seed, limit_s=limit_s, start_m=start_m)

    def engine(self, file: str) -> Engine:
        """The model in a file that was opened once before. Raises ValueError, RuntimeError, OSError."""
        if file not in self._engines:
            self._engines[file] = open_engine(Path(file), "auto", threads=1)
        self._engines.move_to_end(file)
        while len(self._engines) > ENGINES:
            self._engines.popitem(last=False)
        return self._engines[file]


_workshop = Workshop()


def drive_task(argument: dict[str, Any]) -> dict[str, Any]:
    """Drive a task. argument: `task`, the fields of a DriveTask, and `file`, the model.

    Returns what `as_json` gives, or `no_world`: why the track cannot be drawn, which is no model's fault.
    """
    task = DriveTask(**argument["task"])
    try:
        world = _workshop.world(task)
    except (OSError, ValueError, RuntimeError) as error:
        return {"no_world": f"{task.track} cannot be drawn: {error}"}
    driver = _Watched(_workshop.engine(argument["file"]), world)
    failure = ""
    try:
        drive(driver, world, task.speed_mph)
    except PolicyError as error:
        failure = str(error)
    return as_json(_result(task, world, driver, failure))


def film_task(argument: dict[str, Any]) -> dict[str, Any]:
    """Drive a task again by its recorded steering, and film its worst minute.

    argument: `task`, `steering` and `start_s` of its result, and `title`. Returns `film`, an mp4 in base64.
    """
    task = DriveTask(**argument["task"])
    world = _workshop.world(task)
    steering = np.frombuffer(base64.b64decode(argument["steering"]), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.mp4"
        writer = FilmWriter(file, argument["title"])
        try:
            drive(_Filmed(world, writer, steering.tolist(), argument["start_s"]), world, task.speed_mph)
        except FilmedEnough:
            pass
        finally:
            writer.close()
        return {"film": base64.b64encode(small_film(file)).decode("ascii")}


class _Watched:
    """This policy answers as another, keeps its steering, and notes how far the car came before it left the road."""

    def __init__(self, policy: Policy, world: TrackWorld) -> None:
        self._policy, self._world = policy, world
        self._clean_m = 0.0
        self.steering: list[float] = []

    @property
    def clean_m(self) -> float:
        """Metres before the first departure; of the whole drive if there is none."""
        return self._clean_m if self._world.log.off_road_events else self._world.log.distance_m

    def answer(self, observations: Observations) -> Answer:
        """The other's answer. Raises PolicyError if it is no number."""
        log = self._world.log
        if not log.off_road_events:
            self._clean_m = log.distance_m
        answer = self._policy.answer(observations)
        if not math.isfinite(answer.steering):
            raise PolicyError(f"it answered {answer.steering} after {log.distance_m:.0f} m, which is no steering")
        self.steering.append(answer.steering)
        return answer


class _Filmed:
    """This policy answers with recorded steering. Only what the film shows is drawn."""

    def __init__(self, world: TrackWorld, writer: FilmWriter, steering: Sequence[float], start_s: float) -> None:
        self._world, self._writer, self._start_s = world, writer, start_s
        self._steering = iter(steering)
        self._limit = FrameLimit(PICTURES_PER_S)
        self._draw = world.frame
        world.frame = lambda *_: BLANK  # type: ignore[method-assign]

    def answer(self, observations: Observations) -> Answer:
        """The next recorded steering. Raises FilmedEnough after the minute, or after the last frame."""
        steering = next(self._steering, None)
        time_s, car = self._world.log.time_s, self._world.car
        if steering is None or time_s > self._start_s + MINUTE_S:
            raise FilmedEnough
        if time_s >= self._start_s and self._limit.admits(time_s):
            self._writer.write(Shot(time_s - self._start_s, self._draw(), steering, car.throttle, car.speed_mph))
        return Answer(steering)


def _result(task: DriveTask, world: TrackWorld, driver: _Watched, failure: str) -> DriveResult:
    report = world.log.report()
    return DriveResult(
        asked_m=task.laps * world.track.length_m,
        distance_m=max(0.0, report.distance_m),
        clean_m=max(0.0, driver.clean_m),
        elapsed_s=report.elapsed_s,
        autonomy_percent=report.autonomy_percent,
        off_road_events=report.off_road_events,
        crashes=report.crashes,
        wheels_off_events=report.wheels_off_events or 0,
        mean_cte_m=report.mean_cte_m,
        max_cte_m=report.max_cte_m,
        mean_speed_mph=max(0.0, report.mean_speed_mph),
        reversals_per_min=report.reversals_per_min,
        jerk_mps3=report.jerk_mps3,
        worst_s=worst_minute_s(world.log),
        trace=_trace(world.log),
        steering=base64.b64encode(np.array(driver.steering, np.float32).tobytes()).decode("ascii"),
        failure=failure,
    )


def worst_minute_s(log: DriveLog) -> float:
    """When the minute begins in which the car left the road most often, and of those the farthest from its middle."""
    badness: list[float] = []
    for _, _, offset_m, _ in log.positions:
        if not math.isnan(offset_m):
            badness.append(abs(offset_m))
        elif badness:
            badness[-1] += DEPARTURE_M
    sums = np.concatenate([[0.0], np.cumsum(badness)])
    length = round(MINUTE_S / LOG_S)
    if len(badness) <= length:
        return 0.0
    return round(int(np.argmax(sums[length:] - sums[:-length])) * LOG_S, 2)


def _trace(log: DriveLog) -> tuple[tuple[float, float, float, float], ...]:
    """Some of the positions, rounded, and nan where the car was put back."""
    trace: list[tuple[float, float, float, float]] = []
    number = 0
    for x, y, offset_m, _ in log.positions:
        if math.isnan(x):
            trace.append((math.nan,) * 4)
            continue
        if number % EVERY == 0 or math.isnan(trace[-1][0]):
            trace.append((round(x, 2), round(y, 2), round(offset_m, 3), round(number * LOG_S, 1)))
        number += 1
    return tuple(trace)
