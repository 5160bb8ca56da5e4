"""Checkpoints are chosen by how they drive, not by their error on frames: the last ones drive the built-in tracks.

Neighbouring checkpoints answer recorded frames alike within noise, and still one keeps the road where another leaves
it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.convert import litert_bytes
from server.driver import Policy
from server.engine import open_engine
from simulator.drive_log import DriveReport
from simulator.scene import Scene
from simulator.track import open_track
from training.course import judged_world
from training.evaluate import drive
from training.whole_files import write_whole

TRIALS = (("lake", False, 15.0), ("lake", True, 15.0), ("lake", False, 25.0), ("mountain", False, 12.0))
"""Track, whether the other way round, and miles an hour: one lap each."""

Driving = dict[str, dict[str, float]]
"""Figures of each trial by its name, as a card holds them."""


def driver_of(model: Any, folder: Path) -> Policy:
    """A Keras model from raw frames on, as the server would drive it: converted into a file in `folder`."""
    file = folder / "driver.tflite"
    write_whole(file, litert_bytes(model))
    return open_engine(file)


def trial_drives(policy: Policy, title: str) -> Driving:
    """One lap of each trial -> laps, off_road_events, autonomy_percent, mean_cte_m, max_cte_m, ... by trial."""
    tracks = {name: open_track(name) for name, _, _ in TRIALS}
    found = {}
    with tqdm(total=round(sum(tracks[name].length_m for name, _, _ in TRIALS)), unit="m", desc=title) as bar:
        for name, track in tracks.items():
            scene = Scene(track)
            for reverse, speed_mph in ((back, mph) for trial, back, mph in TRIALS if trial == name):
                world = judged_world(track.reversed() if reverse else track, scene, laps=1.0)
                drive(policy, world, speed_mph, bar)
                found[f"{name}{' back' if reverse else ''}, {speed_mph:g} mph"] = figures(world.log.report())
            scene.close()
    return found


def figures(report: DriveReport) -> dict[str, float]:
    """The plain numbers of a report."""
    return {name: round(float(v), 4) for name, v in asdict(report).items() if isinstance(v, (int, float))}


def badness(driving: Driving) -> tuple[float, float]:
    """What the best driver has least of: events off the road, then mean distance from the centre."""
    trials = driving.values()
    return sum(t["off_road_events"] for t in trials), float(np.mean([t["mean_cte_m"] for t in trials]))
