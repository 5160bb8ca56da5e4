"""The model drives, and an expert who knows the road records a correction at each frame.

A network that learned from good drives alone has never seen its own mistakes. Dataset aggregation (DAgger: Ross,
Gordon, Bagnell, 2011) adds the views that the model drives into, with the steering that leads out of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from tqdm import tqdm

from inference.observations import Observations
from inference.policy import Answer, Policy
from protocol.recorder import Recorder
from simulator.record import FRAME_S, START_S
from simulator.render.camera import RECORDING
from simulator.render.jpeg import jpeg_of
from simulator.render.opening import open_scene
from simulator.world.course import judged_world
from simulator.world.expert import Expert
from simulator.world.track import open_track
from training.evaluate import drive

FIRST_RANDOM_ROAD = 500
"""Each round adds a random road that no other round has."""

SPEED_MPH = 15.0


def record_corrections(policy: Policy, folder: Path, number: int, tracks: Sequence[str]) -> Path:
    """Let `policy` drive a lap of each road, and record its views with the expert's steering; returns the folder.

    number: the round's, from 1; it varies the starts. tracks: driven both ways, before a random road. An existing
    recording is kept. Raises OSError.
    """
    if folder.exists():
        return folder
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    roads = [*product(tracks, (False, True)), (f"random:{FIRST_RANDOM_ROAD + number}", False)]
    laps = [(open_track(name), reverse) for name, reverse in roads]
    total = round(sum(track.length_m for track, _ in laps))
    with Recorder(partial) as recorder, tqdm(total=total, unit="m", desc=f"corrections {number}") as bar:
        start_s = START_S
        for track, reverse in laps:
            scene = open_scene(track)
            world = judged_world(track.reversed() if reverse else track, scene, laps=1.0, seed=number)
            drive(_RecordedPolicy(policy, Expert(world, SPEED_MPH), recorder, start_s), world, SPEED_MPH, bar)
            start_s += world.log.time_s + 60.0  # another session
            scene.close()
    partial.rename(folder)
    return folder


class _RecordedPolicy:
    """This policy records the views that it is asked about, at the recording's rate, with the expert's steering."""

    def __init__(self, policy: Policy, expert: Expert, recorder: Recorder, start_s: float) -> None:
        self._policy, self._expert, self._recorder = policy, expert, recorder
        self._start_s, self._next_s = start_s, 0.0

    def answer(self, observations: Observations) -> Answer:
        """Record the view if one is due; returns the policy's own answer."""
        world = self._expert.world
        if world.log.time_s >= self._next_s - 1e-6:
            self._next_s = world.log.time_s + FRAME_S
            image, left, right = (jpeg_of(world.frame(camera)) for camera in RECORDING)
            time_s, speed_mph = self._start_s + world.log.time_s, world.car.speed_mph
            self._recorder.write(time_s, image, self._expert.steering(), 0.0, 0.0, speed_mph, left, right)
        return self._policy.answer(observations)
