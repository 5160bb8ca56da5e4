"""The built-in simulator as a client: a server steers a car on a track or in a replay, and a report sums up the drive.

python -m simulator --track lake --laps 3
python -m simulator --track replay:RECORDING
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from protocol.command_line import BAD_INPUT, INTERRUPTED, STOPPED, command_parser, number, output_file, positive, run
from protocol.recording import read_recording
from protocol.tracks.names import TRACK_LIST
from simulator.client.connection import Connection, ServerGone
from simulator.client.game_loop import ServerSilent, drive_in_lockstep, drive_in_real_time
from simulator.client.options import add_connection_options, make_connection
from simulator.render.camera import RIGS
from simulator.render.opening import open_scene
from simulator.replay.reference_path import reference_path
from simulator.unity.checkout import add_checkout_option
from simulator.world.course import Course, JudgedWorld, replay_course, track_course
from simulator.world.drive_log import DriveLog
from simulator.world.track import open_track

HELP = """Let a server steer the built-in car, as it steers the car of Udacity's simulator.

examples:
  python -m simulator --track lake --laps 3
  python -m simulator --track jungle:night                           by night, or :rain, in the rain
  python -m simulator --track random:7 --fast --report drive.json --map drive.png
  python -m simulator --track replay:recordings/lake --laps 0.2   replay a fifth of a recording
  python -m simulator --track udacity-lake --udacity ../self-driving-car-sim   Udacity's own, from a checkout
  python -m simulator --by-hand                                     drive it yourself, in a browser
  python -m simulator record recordings/lake --track lake --laps 4   let the expert drive, and record it

exit code: 0 the car drove its laps on the road; 1 it left the road, needed an intervention in a replay, or did not
finish; 2 the input was bad, or no server answered; 130 stopped by Ctrl-C."""

REPLAY = "replay:"

ROUNDING_M = 0.5
"""A drive may end one step short of a recording's length."""


class ProgressWorld:
    """A course's world, with a progress bar that counts its metres."""

    def __init__(self, world: JudgedWorld, total_m: float, bar: tqdm[Any]) -> None:
        self._world, self._total_m, self._bar = world, total_m, bar
        self.observe, self.apply = world.observe, world.apply

    @property
    def finished(self) -> bool:
        """Whether the drive is over."""
        return self._world.finished

    def step(self, seconds: float) -> None:
        """Advance game time, then update the progress bar."""
        self._world.step(seconds)
        self._bar.n = round(max(0.0, min(self._world.log.distance_m, self._total_m)))
        self._bar.update(0)


def main(arguments: Sequence[str]) -> int:
    """Drive, then report; returns the process's exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return run(lambda: _drive_course(_parse(arguments)), "simulator", (OSError, ValueError, RuntimeError))


def _drive_course(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        course = _course(options, stack)
        world = course.start(options.latency_ms / 1000)
        connection = make_connection(options)
        failure = _drive(world, course.length_m, connection, options)
    return _report(course, world.log, connection, options, failure)


def _course(options: argparse.Namespace, stack: ExitStack) -> Course:
    """Open the course that the options name; `stack` closes it."""
    if not options.track.startswith(REPLAY):
        track = open_track(options.track)
        scene = open_scene(track)
        stack.callback(scene.close)
        return track_course(track, lambda: scene, options.laps, options.seed, options.reverse, options.camera)
    if options.reverse:
        raise ValueError("a recording can only be replayed in the direction it was driven; leave --reverse out")
    path = reference_path(read_recording(Path(options.track.removeprefix(REPLAY))))
    print(path.summary(), file=sys.stderr)
    return replay_course(path, options.laps, camera=options.camera)


def _drive(world: JudgedWorld, total_m: float, connection: Connection, options: argparse.Namespace) -> str | None:
    """Drive to the end; returns a message that says what went wrong, or None."""
    try:
        with tqdm(total=round(total_m), unit="m", desc=options.track, mininterval=0.2, disable=None) as bar:
            progress_world = ProgressWorld(world, total_m, bar)
            if options.fast:
                drive_in_lockstep(progress_world, connection)
            else:
                drive_in_real_time(progress_world, connection, options.render_hz, lambda: options.manual)
    except (ServerGone, ServerSilent, ValueError, OSError) as error:
        return str(error)
    except KeyboardInterrupt:
        return STOPPED
    finally:
        connection.close()
    return None if world.log.distance_m >= total_m - ROUNDING_M else "the time limit ended the drive"


def _report(
    course: Course, log: DriveLog, connection: Connection, options: argparse.Namespace, failure: str | None
) -> int:
    report = log.report()
    faults = dict(connection.faults)
    if log.distance_m > 0:
        print(f"{options.track}{', in reverse' if options.reverse else ''}: {report.table(course.failed)}")
    if faults:
        print(f"the simulator could not read these replies: {faults}")
    if failure:
        print(f"simulator: {failure}", file=sys.stderr)
    facts = {
        "track": options.track,
        "reverse": options.reverse,
        "camera": options.camera,
        "seed": options.seed,
        "lockstep": options.fast,
        "latency_ms": options.latency_ms,
        **asdict(report),
        "reconnects": max(0, connection.connects - 1),
        "faults": faults,
        "failure": failure,
    }
    if options.report:
        options.report.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    if options.map:
        course.draw([(options.track, log)], options.map)
    if failure == STOPPED:
        return INTERRUPTED
    if not connection.connects:
        return BAD_INPUT
    return 1 if failure or report.off_road_events else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = command_parser("python -m simulator", HELP)
    parser.add_argument("--track", default="lake", help=f"{TRACK_LIST} or replay:RECORDING (default %(default)s)")
    add_checkout_option(parser)
    parser.add_argument(
        "--laps", type=positive, default=1.0, help="laps to drive, or share of a recording (default %(default)g)"
    )
    parser.add_argument("--reverse", action="store_true", help="drive the track in the other direction")
    parser.add_argument(
        "--camera",
        choices=RIGS,
        default="autonomous",
        help="of the car that a model drives, or of the one that records (default %(default)s)",
    )
    parser.add_argument(
        "--by-hand",
        action="store_true",
        help="drive it yourself, in a browser; `python -m simulator --by-hand --help` lists its options",
    )
    add_connection_options(parser)
    parser.add_argument(
        "--fast", action="store_true", help="take one step of 0.05 s for each reply, as fast as the machine can"
    )
    parser.add_argument(
        "--render-hz", type=positive, default=60.0, metavar="HZ", help="rendered frames a second (default %(default)g)"
    )
    parser.add_argument(
        "--latency-ms",
        type=number(0, 1e6),
        default=0.0,
        metavar="MS",
        help="delay each reply by this (default %(default)g)",
    )
    parser.add_argument("--seed", type=int, default=0, help="vary the start (default %(default)s)")
    parser.add_argument("--manual", action="store_true", help="report that a person is driving, as with W held down")
    parser.add_argument("--report", type=output_file, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--map", type=output_file, metavar="FILE", help="draw the driven line as PNG")
    return parser.parse_args(arguments)
