"""Models drive built-in tracks or replayed recordings in a plain loop, and one table compares how they drove.

A low error on recorded frames says little about driving: small mistakes add up, and the car reaches places that no
recording shows. Here the engine and speed control that serve a simulator close the loop, without a socket.

    python -m training.evaluate models/eff.h5 --track lake --laps 10 --speed 15
    python -m training.evaluate models/eff.h5 --replay RECORDING
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from inference.caution import Caution
from inference.observations import Motion, Observations
from inference.policy import Policy
from inference.speed_control import PIController, stopping_throttle
from models.adapter.text import ModelSource, adapter_text, model_source
from protocol.command_line import BAD_INPUT, command_parser, output_file, run
from protocol.messages import Control
from protocol.tracks.names import TRACK_NAMES
from simulator.render.camera import RIGS
from simulator.unity.checkout import add_checkout_option
from simulator.world.course import JudgedWorld
from training.jobs.runner import add_worker_options, joined_cluster
from training.judge.course import OpenCourses, course_names, replayed_line
from training.judge.drive_all import drive_all
from training.judge.drive_table import write_json
from training.judge.entrants import entrants

if TYPE_CHECKING:
    from training.judge.course_drive import ShareBar

HELP = """Let models drive built-in tracks or replayed recordings, and compare them in one table.

examples:
  python -m training.evaluate models/eff.h5 --track lake --laps 10 --speed 15
  python -m training.evaluate models/eff.h5 models/baseline.h5 --track lake mountain random:1 --both-ways
  python -m training.evaluate models/eff.h5 --latency-ms 0 50 100 200 --json latency.json --map latency.png
  python -m training.evaluate models/eff.h5 strangers/model.h5:course --track lake
  python -m training.evaluate models/eff.h5 models/baseline.h5 --replay recordings/lake recordings/other --map line.png
  python -m training.evaluate models/*.h5 --track lake mountain random:201 --workers 4 --json drives.json
  python -m training.evaluate models/*.h5 --track lake mountain random:201 --ray 192.168.1.20:6379

An intervention moves the car back when it leaves a track's road, or is a metre off a replayed recording's path.
"wheels off" counts how often a wheel left the carriageway of a track.
NVIDIA used one metre, in lanes of 3.7 m; Udacity's lake has 6.6 m between its lines, and keyboard drivers wander there.

A model file that cannot be opened has rows that say why, also in --json, and the others drive.

exit code: 0 no interventions; 1 interventions; 2 bad input, also if only one of several models is bad, or a failed
drive; 130 stopped by Ctrl-C."""

CAREFUL_HELP = "slow down where the model is unsure of the view, and stop where it has no idea"

FRAME_S = 0.05

GIVEN_UP_S = 10.0
"""A careful car that has waited for so long will not go on: the corruptions do not end."""


def drive(
    policy: Policy,
    world: JudgedWorld,
    speed_mph: float,
    bar: tqdm[Any] | ShareBar | None = None,
    careful: bool = False,
) -> int:
    """Let `policy` drive the world until it ends, at 20 frames a second and `speed_mph`, slower in bends.

    careful: whether the car slows down and stops by the policy's confidence; the drive also ends when it has waited for
    GIVEN_UP_S. Returns how often it stopped so.
    """
    speed, caution, stops = PIController(speed_mph), Caution(), 0
    observations = Observations()
    waits, waiting_since_s = False, 0.0
    while not world.finished:
        car = world.car
        observations.add(world.frame(), Motion(car.speed_mph, car.steering, max(0.0, car.throttle)))
        answer = policy.answer(observations)
        steering = min(1.0, max(-1.0, answer.steering))
        share = caution.speed_share(answer.confidence, world.log.time_s) if careful else 1.0
        if share == 0.0 and not waits:
            stops, waiting_since_s = stops + 1, world.log.time_s
        waits = share == 0.0
        if waits and world.log.time_s - waiting_since_s > GIVEN_UP_S:
            break
        speed.target_mph = speed_mph * share
        throttle = speed.throttle(car.speed_mph, steering, world.log.time_s)
        if waits:
            throttle = stopping_throttle(car.speed_mph)
        start_m = world.log.distance_m
        world.apply(Control(steering, throttle))
        world.step(FRAME_S)
        if bar is not None:
            remaining_m = (bar.total or math.inf) - bar.n  # tqdm warns when a bar exceeds its total
            bar.update(min(world.log.distance_m - start_m, remaining_m))
    return stops


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive all models on all courses and report; returns the exit code."""
    return run(lambda: _evaluate(_parse(arguments)), "evaluate", (OSError, ValueError, RuntimeError))


def _evaluate(options: argparse.Namespace) -> int:
    names = course_names(options)
    opened = OpenCourses()
    courses = [opened.course(name) for name in names]
    for name in names:
        if name.replay:
            print(replayed_line(name.replay).summary())
    with joined_cluster(options), tempfile.TemporaryDirectory() as folder:
        models = list(entrants(options.models, options.careful, Path(folder) if options.ray else None))
        cases = drive_all(models, names, courses, options)
    if options.json:
        write_json(cases, {"laps_asked": options.laps, "seed": options.seed}, options.json)
    first_track = courses[0].facts["track"]
    drives = [(case.title, case.drive) for case in cases if case.drive and case.facts["track"] == first_track]
    if options.map and drives:
        courses[0].draw(drives, options.map)
    if any(case.failure for case in cases):
        return BAD_INPUT
    return 1 if any(case.drive and case.drive.figures.off_road_events for case in cases) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m training.evaluate", HELP)
    parser.add_argument(
        "models",
        type=model_source,
        nargs="+",
        metavar="MODEL[:TEXT]",
        help="model files, with a --preprocess text each",
    )
    parser.add_argument("--track", nargs="+", default=[], help=f"{TRACK_NAMES} (default lake)")
    add_checkout_option(parser)
    parser.add_argument(
        "--replay",
        type=Path,
        nargs="+",
        default=[],
        metavar="RECORDING",
        help="recordings to replay at their own speed",
    )
    parser.add_argument(
        "--intervention-m",
        type=float,
        metavar="M",
        help="lateral offset from a replay's reference path that is an intervention (1; 0.5 without side cameras)",
    )
    parser.add_argument(
        "--laps", type=float, default=1.0, help="laps of each track, or share of each replay (default %(default)g)"
    )
    parser.add_argument(
        "--speed", type=float, default=15.0, metavar="MPH", help="speed to hold on a track (default %(default)g)"
    )
    parser.add_argument("--reverse", action="store_true", help="drive the tracks the other way round")
    parser.add_argument("--both-ways", action="store_true", help="drive the tracks both ways round")
    parser.add_argument(
        "--camera",
        choices=RIGS,
        default="autonomous",
        help="of the car that a model drives, or of the one that records (default %(default)s)",
    )
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0.0], metavar="MS", help="added to each answer")
    parser.add_argument("--careful", action="store_true", help=CAREFUL_HELP)
    parser.add_argument("--seed", type=int, default=0, help="seed of the start (default %(default)s)")
    parser.add_argument(
        "--preprocess", type=adapter_text, metavar="TEXT", help="pixels of the models without a text of their own"
    )
    add_worker_options(parser, 1, "drive")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--map", type=output_file, metavar="FILE.png", help="draw the first course's drives")
    options = parser.parse_args(arguments)
    options.models = [ModelSource(model.path, model.preprocess or options.preprocess) for model in options.models]
    if not 0 < options.laps <= 1000 or not 1 <= options.speed <= 30:
        parser.error(f"expected 0 < --laps <= 1000 and 1 <= --speed <= 30, got {options.laps} and {options.speed}")
    if options.intervention_m is not None and not 0.1 <= options.intervention_m <= 3:
        parser.error(f"expected --intervention-m from 0.1 to 3, got {options.intervention_m}")
    if not all(0 <= latency <= 5000 for latency in options.latency_ms) or options.seed < 0:
        parser.error("expected --latency-ms from 0 to 5000 and --seed from 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
