"""Let the expert drive a track and record the drive in Udacity's format: three cameras, driving_log.csv, IMG/.

python -m simulator record recordings/lake --track lake --laps 4
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from protocol.command_line import INTERRUPTED, command_parser, run
from protocol.recorder import Recorder
from protocol.tracks.names import TRACK_HELP
from simulator.render.camera import RIGS
from simulator.render.jpeg import jpeg_of
from simulator.render.opening import open_scene
from simulator.unity.checkout import add_checkout_option
from simulator.world.expert import Expert
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld

HELP = """Let the expert drive a track, and record the drive in Udacity's format with three cameras.

examples:
  python -m simulator record recordings/lake --track lake --laps 4
  python -m simulator record recordings/steady --track random:3 --reverse --undisturbed

exit code: 0 the drive was recorded; 2 the input was bad, or the folder holds a recording already; 130
interrupted."""

FRAME_S = 0.1
START_S = 1_600_000_000.0
"""Time of the first frame, fixed because game time has no date: a repeated recording is then identical."""


def main(arguments: Sequence[str]) -> int:
    """Record; returns the process's exit code."""
    return run(lambda: _record(_parse(arguments)), "record", (OSError, ValueError, RuntimeError))


def _record(options: argparse.Namespace) -> int:
    """Record to the end or until Ctrl-C, then print the drive's report; returns the process's exit code."""
    code = 0
    track = open_track(options.track)
    try:
        recorder = Recorder(options.folder)
    except FileExistsError:
        raise ValueError(f"{options.folder} holds a recording already; name another folder") from None
    with recorder, closing(open_scene(track)) as scene:
        directed_track = track.reversed() if options.reverse else track
        world = TrackWorld(directed_track, scene, options.laps, options.seed, rig=RIGS[options.camera])
        expert = Expert(world, options.speed, not options.undisturbed, options.seed)
        try:
            record(world, expert, recorder)
        except KeyboardInterrupt:
            print("stopped; the rows recorded so far are complete", file=sys.stderr)
            code = INTERRUPTED
    print(f"{recorder.rows} rows in {options.folder}; {world.log.report().table()}")
    return code


def record(world: TrackWorld, expert: Expert, recorder: Recorder) -> None:
    """Drive to the end; each row holds the expert's own command for its frame. Raises OSError."""
    total = math.ceil(world.laps * world.track.length_m)
    with tqdm(total=total, unit="m", desc=str(recorder.folder), disable=None) as bar:
        while not world.finished:
            command = expert.control()
            center, left, right = (jpeg_of(world.frame(camera)) for camera in world.rig)
            recorder.write(
                START_S + world.log.time_s,
                center,
                command.steering,
                max(0.0, command.throttle),
                max(0.0, -command.throttle),
                world.car.speed_mph,
                left,
                right,
            )
            for _ in range(2):  # the expert steers twice as often as it records
                world.apply(expert.disturbed(expert.control()))
                world.step(FRAME_S / 2)
            bar.n = min(total, round(world.log.distance_m))
            bar.update(0)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = command_parser("python -m simulator record", HELP)
    parser.add_argument("folder", type=Path, help="a new folder for driving_log.csv and IMG/")
    parser.add_argument("--track", default="lake", help=TRACK_HELP)
    add_checkout_option(parser)
    parser.add_argument("--laps", type=float, default=4.0, help="laps to drive (default %(default)g)")
    parser.add_argument("--speed", type=float, default=15.0, metavar="MPH", help="top speed (default %(default)g)")
    parser.add_argument("--reverse", action="store_true", help="drive the track in the other direction")
    parser.add_argument(
        "--camera", choices=RIGS, default="recording", help="the car that carries the cameras (default %(default)s)"
    )
    parser.add_argument("--undisturbed", action="store_true", help="never push the car off its line")
    parser.add_argument("--seed", type=int, default=0, help="vary the start and the pushes (default %(default)s)")
    options = parser.parse_args(arguments)
    if not 0 < options.laps <= 1000 or not 1 <= options.speed <= 30:
        parser.error(f"expected 0 < --laps <= 1000 and 1 <= --speed <= 30, got {options.laps} and {options.speed}")
    return options
