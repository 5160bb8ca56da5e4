"""Checkpoints are chosen by how they drive, not by their error on frames: on the built-in tracks and in replays.

Neighbouring checkpoints answer recorded frames alike within noise, and still one keeps the road where another leaves
it. Replays of the recordings that were learned say how they drive on real frames, where the built-in tracks are easy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from inference.driver import Policy
from inference.engine import open_engine
from models.convert import litert_bytes
from models.whole_files import write_whole
from protocol.recording import read_recording
from simulator.render.scene import Scene
from simulator.replay.reference_path import ReferencePath, reference_path
from simulator.replay.replay_world import ReplayWorld
from simulator.world.course import judged_world
from simulator.world.drive_log import DriveReport
from simulator.world.track import open_track
from training.evaluate import drive

TRIALS = (("lake", False, 15.0), ("lake", True, 15.0), ("lake", False, 25.0), ("mountain", False, 12.0))
"""Track, whether the other way round, and miles an hour: one lap each."""

REPLAYED_M = 1500.0
"""Of each recording, at most: two minutes, and more bends than the lake has."""

ALL_REPLAYED_M = 6000.0
"""Of all recordings together: a few minutes for each checkpoint, however many there are."""

REPLAY = "replay of "
"""How the name of a replay's trial begins."""

Driving = dict[str, dict[str, float]]
"""Figures of each trial by its name, as a card holds them."""


def driver_of(model: Any, folder: Path) -> Policy:
    """A Keras model from raw frames on, as the server would drive it: by a file in `folder`.

    Converted for LiteRT where TensorFlow is Keras' backend, whose converter that takes; else on the backend itself.
    """
    if keras.backend.backend() != "tensorflow":
        model.save(folder / "driver.h5")
        return open_engine(folder / "driver.h5", "keras")
    file = folder / "driver.tflite"
    write_whole(file, litert_bytes(model))
    return open_engine(file)


def replay_lines(folders: Sequence[Path]) -> list[ReferencePath]:
    """The recordings that can judge on real frames: those with three cameras, and something to replay."""
    found = []
    for folder in folders:
        try:
            line = reference_path(read_recording(folder))
        except ValueError as error:
            print(f"not replayed: {error}")
            continue
        found += [line] if line.side_cameras else []
    return found


def trial_drives(policy: Policy, title: str, lines: Sequence[ReferencePath] = ()) -> Driving:
    """Each trial and replay -> laps, off_road_events, autonomy_percent, mean_cte_m, max_cte_m, ... by its name."""
    tracks = {name: open_track(name) for name, _, _ in TRIALS}
    each_m = min(REPLAYED_M, ALL_REPLAYED_M / max(1, len(lines)))
    shares = [min(1.0, each_m / line.length_m) for line in lines]
    replayed_m = sum(share * line.length_m for share, line in zip(shares, lines, strict=True))
    found = {}
    total_m = sum(tracks[name].length_m for name, _, _ in TRIALS) + replayed_m
    with tqdm(total=round(total_m), unit="m", unit_scale=True, desc=title) as bar:
        for name, track in tracks.items():
            scene = Scene(track)
            for reverse, speed_mph in ((back, mph) for trial, back, mph in TRIALS if trial == name):
                world = judged_world(track.reversed() if reverse else track, scene, laps=1.0)
                drive(policy, world, speed_mph, bar)
                found[f"{name}{' back' if reverse else ''}, {speed_mph:g} mph"] = figures(world.log.report())
            scene.close()
        for share, line in zip(shares, lines, strict=True):
            replay = ReplayWorld(line, share)
            drive(policy, replay, 0.0, bar)
            found[REPLAY + line.name] = figures(replay.log.report())
    return found


def figures(report: DriveReport) -> dict[str, float]:
    """The plain numbers of a report."""
    return {name: round(float(v), 4) for name, v in asdict(report).items() if isinstance(v, (int, float))}


def badness(driving: Driving) -> tuple[float, float, float]:
    """What the best driver has least of: leaving the road, then being put back in replays, then mean distance."""
    off_road = sum(t["off_road_events"] for name, t in driving.items() if not name.startswith(REPLAY))
    put_back = sum(t["off_road_events"] for name, t in driving.items() if name.startswith(REPLAY))
    return off_road, put_back, float(np.mean([t["mean_cte_m"] for t in driving.values()]))
