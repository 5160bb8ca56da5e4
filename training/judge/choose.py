"""Training chooses a checkpoint by how it drives on the built-in tracks and in replays, not by its error on frames.

Neighbouring checkpoints answer recorded frames alike within noise, and still one keeps the road where another leaves
it. Replays of the learned recordings show how they drive on real frames; the built-in tracks are easier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from inference.engine import open_engine
from inference.policy import Policy
from models.convert import litert_bytes
from models.whole_files import write_whole
from protocol.recording import read_recording
from simulator.render.opening import open_scene
from simulator.replay.reference_path import ReferencePath, reference_path
from simulator.replay.replay_world import ReplayWorld
from simulator.world.course import judged_world
from simulator.world.drive_log import DriveReport
from simulator.world.track import open_track
from training.evaluate import drive
from training.run.network import SplitModel
from training.run.recipe import Recipe, Trial

REPLAYED_M = 1500.0
"""At most this much of each recording is replayed: two minutes, and more bends than the lake has."""

ALL_REPLAYED_M = 6000.0
"""At most this much of all recordings is replayed, so that a checkpoint takes a few minutes."""

REPLAY = "replay of "
"""The names of replays among the trials begin with this."""

Driving = dict[str, dict[str, float]]
"""The figures of each trial by its name, as in a card."""


def driver_of(model: Any, folder: Path) -> Policy:
    """Save a Keras model of raw frames into `folder` and open the file as the server would.

    With TensorFlow as Keras' backend the model is converted for LiteRT; with others it runs on the backend itself.
    """
    if keras.backend.backend() != "tensorflow":
        model.save(folder / "driver.h5")
        return open_engine(folder / "driver.h5", keras.backend.backend())
    file = folder / "driver.tflite"
    write_whole(file, litert_bytes(model))
    return open_engine(file)


def replay_lines(folders: Sequence[Path]) -> list[ReferencePath]:
    """Return the reference paths of the recordings that can be replayed and have three cameras."""
    lines = []
    for folder in folders:
        try:
            line = reference_path(read_recording(folder))
        except ValueError as error:
            print(f"not replayed: {error}")
            continue
        lines += [line] if line.side_cameras else []
    return lines


def judged_m(trials: Sequence[Trial], recordings: int) -> float:
    """Return about how many metres a checkpoint drives: the trials' laps, and the replays of so many recordings."""
    return sum(open_track(name).length_m for name, _, _ in trials) + min(ALL_REPLAYED_M, recordings * REPLAYED_M)


def trial_drives(policy: Policy, title: str, trials: Sequence[Trial], lines: Sequence[ReferencePath] = ()) -> Driving:
    """Drive each trial and replay; returns laps, off_road_events, autonomy_percent, mean_cte_m, ... by its name."""
    tracks = {name: open_track(name) for name, _, _ in trials}
    share_m = min(REPLAYED_M, ALL_REPLAYED_M / max(1, len(lines)))
    shares = [min(1.0, share_m / line.length_m) for line in lines]
    replayed_m = sum(share * line.length_m for share, line in zip(shares, lines, strict=True))
    driving = {}
    total_m = sum(tracks[name].length_m for name, _, _ in trials) + replayed_m
    with tqdm(total=round(total_m), unit="m", unit_scale=True, desc=title) as bar:
        for name, track in tracks.items():
            scene = open_scene(track)
            for reverse, speed_mph in ((back, mph) for trial, back, mph in trials if trial == name):
                world = judged_world(track.reversed() if reverse else track, scene, laps=1.0)
                drive(policy, world, speed_mph, bar)
                driving[f"{name}{' back' if reverse else ''}, {speed_mph:g} mph"] = figures(world.log.report())
            scene.close()
        for share, line in zip(shares, lines, strict=True):
            replay = ReplayWorld(line, share)
            drive(policy, replay, 0.0, bar)
            driving[REPLAY + line.name] = figures(replay.log.report())
    return driving


def best_driver(
    models: Iterable[tuple[int, SplitModel]], recipe: Recipe, recordings: Sequence[str], folder: Path
) -> tuple[SplitModel, Driving]:
    """Let the models of some epochs drive the recipe's trials; returns the best and how it drove.

    recordings: folders that the recipe may let them replay; folder: where the models' files may lie meanwhile.
    """
    drivers: list[tuple[SplitModel, Driving]] = []
    lines = replay_lines([Path(name) for name in recordings if recipe.replays])
    for epoch, model in models:
        driving = trial_drives(driver_of(model.whole, folder), f"epoch {epoch} drives", recipe.trials, lines)
        off_road, interventions, mean_m = badness(driving)
        print(f"epoch {epoch}: {off_road:.0f} times off the road, {interventions:.0f} interventions in replays,")
        print(f"  mean lateral offset {mean_m:.2f} m")
        drivers.append((model, driving))
    return min(drivers, key=lambda driver: badness(driver[1]))


def figures(report: DriveReport) -> dict[str, float]:
    """Return the numbers of a report by their names."""
    return {name: round(float(v), 4) for name, v in asdict(report).items() if isinstance(v, (int, float))}


def badness(driving: Driving) -> tuple[float, float, float]:
    """Return what ranks drivers, least first: times off the road, interventions in replays, mean offset in metres."""
    off_road = sum(t["off_road_events"] for name, t in driving.items() if not name.startswith(REPLAY))
    interventions = sum(t["off_road_events"] for name, t in driving.items() if name.startswith(REPLAY))
    return off_road, interventions, float(np.mean([t["mean_cte_m"] for t in driving.values()]))
