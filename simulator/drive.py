"""The built-in simulator as a client: a car on a track, a server at its wheel, and a report of how it drove.

python -m simulator --track lake --laps 3
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from simulator.client import ServerSilent, drive_in_lockstep, drive_in_real_time
from simulator.connection import Connection, ServerGone
from simulator.map import draw_map
from simulator.scene import Scene
from simulator.track import open_track
from simulator.world import TrackWorld

EXAMPLES = """examples:
  python -m simulator --track lake --laps 3
  python -m simulator --track random:7 --fast --report drive.json --map drive.png
  python -m simulator record recordings/lake --track lake --laps 4   let the expert drive, and record it

exit code: 0 it drove its laps on the road; 1 it left the road, or did not finish; 2 bad input, or no server."""

SLOWEST_MPH = 4.0
"""On average; a car that takes longer has stopped, and the drive is over."""


class ShownWorld(TrackWorld):
    """A TrackWorld with a progress bar of its metres."""

    bar: tqdm[Any]

    def step(self, seconds: float) -> None:
        """Let game time pass."""
        super().step(seconds)
        self.bar.n = round(max(0.0, min(self.log.distance_m, self.laps * self.track.length_m)))
        self.bar.update(0)


def main(arguments: Sequence[str]) -> int:
    """Drive, report; the process's exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        track = open_track(options.track)
        connection = Connection(options.url, options.decimal_comma, options.patience)
        scene = Scene(track)
    except (ValueError, RuntimeError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    driven = track.reversed() if options.reverse else track
    limit_s = 20 + options.laps * track.length_m / (SLOWEST_MPH * 0.44704)
    world = ShownWorld(driven, scene, options.laps, options.seed, options.latency_ms / 1000, limit_s)
    failure = _drive(world, connection, options)
    scene.close()
    return _report(world, connection, options, failure)


def _drive(world: ShownWorld, connection: Connection, options: argparse.Namespace) -> str | None:
    """Drive to the end; what went wrong, in words, or None."""
    total = math.ceil(options.laps * world.track.length_m)
    try:
        world.bar = tqdm(total=total, unit="m", desc=options.track, mininterval=0.2)
        with world.bar:
            if options.fast:
                drive_in_lockstep(world, connection)
            else:
                drive_in_real_time(world, connection, options.render_hz, lambda: options.manual)
    except (ServerGone, ServerSilent) as error:
        return str(error)
    except KeyboardInterrupt:
        return "stopped"
    finally:
        connection.close()
    return None if world.log.distance_m >= options.laps * world.track.length_m else "the time is up"


def _report(world: TrackWorld, connection: Connection, options: argparse.Namespace, failure: str | None) -> int:
    report = world.log.report()
    faults = dict(connection.faults)
    print(f"{options.track}{', the other way round' if options.reverse else ''}: {report.table()}")
    if faults:
        print(f"replies that a simulator cannot read: {faults}")
    if failure:
        print(f"simulator: {failure}", file=sys.stderr)
    facts = {
        "track": options.track,
        "reverse": options.reverse,
        "seed": options.seed,
        "lockstep": options.fast,
        "latency_ms": options.latency_ms,
        **asdict(report),
        "reconnects": max(0, connection.connects - 1),
        "faults": faults,
        "failure": failure,
    }
    try:
        if options.report:
            options.report.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        if options.map:
            draw_map(world.track, [(options.track, world.log)], options.map)
    except (OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    if not connection.connects:
        return 2
    return 1 if failure or report.off_road_events else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="Drive the built-in car with a server at its wheel, as the Udacity simulator does.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--track", default="lake", help="lake, mountain or random:SEED (default %(default)s)")
    parser.add_argument("--laps", type=positive, default=1.0, help="how far (default %(default)g)")
    parser.add_argument("--reverse", action="store_true", help="drive the track the other way round")
    parser.add_argument("--url", default="http://127.0.0.1:4567", help="the server (default %(default)s)")
    parser.add_argument("--patience", type=positive, default=10.0, metavar="S", help="how long to wait for the server")
    parser.add_argument(
        "--fast", action="store_true", help="one reply, one step of 0.05 s, as quick as the machine can"
    )
    parser.add_argument("--render-hz", type=positive, default=60.0, metavar="HZ", help="rendered frames a second")
    parser.add_argument("--latency-ms", type=not_negative, default=0.0, metavar="MS", help="added to each reply")
    parser.add_argument("--seed", type=int, default=0, help="varies the start (default %(default)s)")
    parser.add_argument("--decimal-comma", action="store_true", help="speak as a computer with a decimal comma")
    parser.add_argument("--manual", action="store_true", help="say that a person is driving, as with W held down")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--map", type=Path, metavar="FILE", help="draw the driven line as PNG")
    return parser.parse_args(arguments)


def positive(text: str) -> float:
    """A finite number above 0. Raises ValueError, as the parsers of options do."""
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def not_negative(text: str) -> float:
    """A finite number from 0."""
    value = float(text)
    if not 0 <= value < 1e6:
        raise ValueError(text)
    return value
