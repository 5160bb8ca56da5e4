"""After each epoch the averaged weights drive a part of the built-in lake, and a film shows how far they have come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from film.overlay import Shot
from film.timeline import FrameLimit
from inference.observations import Observations
from inference.policy import Answer, Policy
from simulator.render.opening import TrackScene, open_scene
from simulator.world.course import JudgedWorld, judged_world
from simulator.world.drive_log import DriveReport
from simulator.world.track import open_track
from training.evaluate import drive

if TYPE_CHECKING:
    from film.writer import FilmWriter

LAPS, SPEED_MPH = 0.25, 20.0
"""A quarter of the lap at this speed is half a minute, and has bends to both sides."""

PICTURES_PER_S = 10.0


class FilmedRoad:
    """The built-in lake with a camera; its scene is drawn once for all films of a training."""

    def __init__(self) -> None:
        self._track = open_track("lake")
        self._scene: TrackScene | None = None

    def film(self, policy: Policy, title: str, path: Path) -> DriveReport:
        """Let `policy` drive, and write the film whole or not at all. Raises OSError."""
        from film.writer import FilmWriter  # noqa: PLC0415 - a training without films needs no codec

        self._scene = self._scene or open_scene(self._track)
        world = judged_world(self._track, self._scene, LAPS)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            writer = FilmWriter(partial, title)
            try:
                drive(_FilmedPolicy(policy, world, writer), world, SPEED_MPH)
            finally:
                writer.close()
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return world.log.report()

    def close(self) -> None:
        """Free the scene."""
        if self._scene:
            self._scene.close()


class _FilmedPolicy:
    """This policy answers as another, and films some of the frames that it answers."""

    def __init__(self, policy: Policy, world: JudgedWorld, writer: FilmWriter) -> None:
        self._policy, self._world, self._writer = policy, world, writer
        self._limit = FrameLimit(PICTURES_PER_S)

    def answer(self, observations: Observations) -> Answer:
        """Return the answer of the other policy."""
        answer = self._policy.answer(observations)
        time_s, car = self._world.log.time_s, self._world.car
        if self._limit.admits(time_s):
            self._writer.write(Shot(time_s, observations.frame, answer.steering, car.throttle, car.speed_mph))
        return answer
