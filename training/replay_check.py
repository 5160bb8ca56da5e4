"""Is the replay a judge to be trusted? Drivers whose worth is known beforehand, and drives whose truth is known.

On recordings: always zero must fail in every bend, the human's own steering must stay on the line. In the built-in
simulator: models made worse are ranked by replaying a recorded drive, and by truly driving there.

    python -m training.replay_check --replay RECORDING...
    python -m training.replay_check --truth models/eff.h5
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protocol.command_line import command_parser, run
from protocol.recorder import Recorder
from protocol.recording import read_recording
from server.driver import Policy
from server.engine import open_engine
from simulator.course import judged_world
from simulator.drive_log import DriveReport
from simulator.expert import Expert
from simulator.human_line import human_line
from simulator.record import record
from simulator.replay import ReplayWorld
from simulator.response import BUILT_IN
from simulator.scene import Scene
from simulator.track import open_track
from training.evaluate import drive
from training.stand_ins import (
    Human,
    NoisyHuman,
    Random,
    StandIn,
    Weakened,
    Zero,
    bends,
    drive_stand_in,
    failed_bends,
    rank_correlation,
)

HELP = """Judge the replay simulator by drivers and drives whose worth is known.

examples:
  python -m training.replay_check --replay recordings/lake recordings/other
  python -m training.replay_check --truth models/eff.h5 --track lake --laps 0.5

exit code: 0 the judge holds: on every recording the human is above 99 % and zero fails in every bend, and the ranks of
replay and truth correlate above 0.7; 1 it does not; 2 bad input."""

SPEED_MPH = 15.0
LEAST_HUMAN_PERCENT = 99.0
LEAST_RANK = 0.7


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, report; the process's exit code."""
    options = _parse(arguments)
    return run(lambda: _check(options), "replay_check", (OSError, ValueError, RuntimeError))


def _check(options: argparse.Namespace) -> int:
    held = [check_recording(folder) for folder in options.replay]
    if options.truth:
        held.append(check_truth(open_engine(options.truth, "auto"), options.track, options.laps))
    return 0 if all(held) else 1


def check_recording(folder: Path) -> bool:
    """Print the drivers' table for one recording; whether the judge holds."""
    line = human_line(read_recording(folder))
    where = bends(line)
    print(f"{line.summary()}\n{'driver':<34}{_HEADER}{'bends failed':>14}")
    drivers: dict[str, StandIn] = {
        "always zero": Zero(),
        "random": Random(),
        "noisy human (0.15), steering home": NoisyHuman(0.15),
        "noisy human (0.05), steering home": NoisyHuman(0.05),
        "the human's own steering": Human(),
    }
    found = {}
    for name, driver in drivers.items():
        world = ReplayWorld(line)
        drive_stand_in(driver, world)
        report = found[name] = world.log.report()
        failed = failed_bends(where, report.off_road_at_m)
        print(f"{name:<34}{_cells(report)}{f'{failed} of {len(where)}':>14}")
    human, zero = found["the human's own steering"], found["always zero"]
    missed = len(where) - failed_bends(where, zero.off_road_at_m)
    return human.autonomy_percent > LEAST_HUMAN_PERCENT and not missed


def check_truth(policy: Policy, track_name: str, laps: float) -> bool:
    """Print how weakened models rank by replay and in truth; whether the ranks agree."""
    track = open_track(track_name)
    scene = Scene(track)
    pairs = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            with Recorder(Path(folder) / track.name) as recorder:
                world = judged_world(track, scene, laps)
                record(world, Expert(world, SPEED_MPH), recorder)
            line = human_line(read_recording(recorder.folder), BUILT_IN)
            print(f"{line.summary()}\n{'':<16}{'by replay:':<46}in truth:\n{'driver':<14}{_HEADER}  {_HEADER}")
            for driver in tqdm(_weakened(policy), leave=False):
                replayed, true = ReplayWorld(line), judged_world(track, scene, laps)
                drive(driver, replayed, SPEED_MPH)
                drive(replace(driver, generator=np.random.default_rng(0)), true, SPEED_MPH)
                pairs.append((replayed.log.report(), true.log.report()))
                tqdm.write(f"{driver.name:<14}{_cells(pairs[-1][0])}  {_cells(pairs[-1][1])}")
    finally:
        scene.close()
    ranks = [
        rank_correlation(*(np.array([getattr(report, name) for report in side]) for side in zip(*pairs, strict=True)))
        for name in ("autonomy_percent", "mean_cte_m")
    ]
    print(f"rank correlation of replay and truth: {ranks[0]:.2f} by autonomy, {ranks[1]:.2f} by mean distance")
    return min(ranks) > LEAST_RANK


def _weakened(policy: Policy) -> list[Weakened]:
    return [
        Weakened("as it is", policy),
        Weakened("x 1.5", policy, scale=1.5),
        Weakened("x 0.7", policy, scale=0.7),
        Weakened("x 0.4", policy, scale=0.4),
        Weakened("x 0.2", policy, scale=0.2),
        Weakened("+ 0.05", policy, bias=0.05),
        Weakened("+ 0.15", policy, bias=0.15),
        Weakened("+ 0.3", policy, bias=0.3),
        Weakened("noise 0.3", policy, noise=0.3),
        Weakened("0.25 s late", policy, frames_late=5),
        Weakened("0.6 s late", policy, frames_late=12),
        Weakened("x 0", policy, scale=0.0),
    ]


_HEADER = f"{'put back':>9}{'autonomy':>10}{'mean m':>8}{'reversals':>10}{'jerk':>7}"


def _cells(report: DriveReport) -> str:
    return (
        f"{report.off_road_events:>9}{report.autonomy_percent:>8.1f} %{report.mean_cte_m:>8.2f}"
        f"{report.reversals_per_min:>10.0f}{report.jerk_mps3:>7.1f}"
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.replay_check", HELP)
    parser.add_argument(
        "--replay", type=Path, nargs="+", default=[], metavar="RECORDING", help="recordings to check on"
    )
    parser.add_argument("--truth", type=Path, metavar="MODEL", help="weaken this model; rank it by replay and truth")
    parser.add_argument("--track", default="lake", help="of the truth: lake, mountain, random:SEED (default lake)")
    parser.add_argument("--laps", type=float, default=1.0, help="of the truth (default %(default)g)")
    options = parser.parse_args(arguments)
    if not options.replay and not options.truth:
        parser.error("name recordings with --replay, or a model with --truth")
    if not 0 < options.laps <= 10:
        parser.error(f"expected 0 < --laps <= 10, got {options.laps}")
    return options


if __name__ == "__main__":
    sys.exit(main())
