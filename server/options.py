"""The command line of the server, as one frozen object."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.preprocessing import PREPROCESSINGS
from server.engine import ENGINES
from server.simulator_process import parse_simulator

MAX_SPEED_MPH = 100.0
MIN_TOKEN_LENGTH = 16

DESCRIPTION = "Drive the Udacity simulator with a trained model: it connects by itself once AUTONOMOUS MODE is chosen."

EXAMPLES = """examples:
  python server/drive.py models/eff.h5
      drive at 15 mph; start the simulator and choose AUTONOMOUS MODE
  python server/drive.py models/eff.h5 --video drive.mp4
      and film the drive, at true speed, with steering, speed and latency drawn on it
  python server/drive.py models/baseline.h5 recordings --speed 20
      and record it in Udacity's format, in a new folder inside recordings/
  python server/drive.py models/eff.h5 --simulator lake --laps 1 --video demo.mp4
      no simulator at hand: drive the built-in one, judge the drive and film it
  python server/drive.py models/eff.h5 --simulator playback:RECORDING --video demo.mp4
      answer a recording's frames, and compare with its driver
  python server/drive.py model.h5 --preprocess pilotnet
      a model of another input, through the preprocessing it was trained with

preprocessings (only for models that do not take raw 160 x 320 frames):
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. speed_mph holds unless throttle is given; record and video are None when not wanted;
    simulator is the command of the simulator to start as a client, None for the user's own.
    token is asked of page and API, and of simulators where protect_simulators; allow_host: further host names."""

    model: Path
    host: str
    port: int
    speed_mph: float
    throttle: float | None
    engine: str
    preprocess: str | None
    record: Path | None
    video: Path | None
    simulator: tuple[str, ...] | None
    token: str | None
    protect_simulators: bool
    allow_host: tuple[str, ...]
    verbose: bool


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Command-line words -> Options. Exits with code 2 and one clear line when they are wrong."""
    known = "\n".join(f"  {name:<12} {p.description}" for name, p in PREPROCESSINGS.items())
    parser = argparse.ArgumentParser(
        prog="python server/drive.py",
        description=DESCRIPTION,
        epilog=EXAMPLES + known,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=".h5, .keras, .json with its .h5, or .tflite")
    parser.add_argument(
        "image_folder", type=Path, nargs="?", metavar="IMAGE_FOLDER", help="record there, as Udacity's drive.py does"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer only)")
    parser.add_argument(
        "--port", type=_port, default=4567, help="the simulator expects 4567 (default); 0: any free one"
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=_speed, default=15.0, metavar="MPH", help="hold this speed (default: 15 mph)")
    pace.add_argument("--throttle", type=_throttle, metavar="T", help="a constant throttle, 0..1, instead")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="what runs the network (default: auto)")
    parser.add_argument("--preprocess", choices=tuple(PREPROCESSINGS), help="see below (default: as the model needs)")
    parser.add_argument("--record", type=Path, metavar="DIR", help="record in a new folder inside DIR")
    parser.add_argument("--video", type=Path, metavar="FILE.mp4", help="film the drive")
    parser.add_argument(
        "--simulator",
        type=parse_simulator,
        metavar="SIM",
        help="start this client too: lake, mountain, random:SEED or playback:RECORDING",
    )
    parser.add_argument("--limit", type=_frames, metavar="FRAMES", help="end a playback after so many frames")
    parser.add_argument("--laps", type=_laps, metavar="N", help="how far the built-in simulator drives (default: 1)")
    parser.add_argument(
        "--token", type=_token, help="asked of page and API (default: none on this computer, else one is made up)"
    )
    parser.add_argument("--protect-simulators", action="store_true", help="ask simulators too, as ?token= in their URL")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a host name that a proxy serves this under"
    )
    parser.add_argument("--verbose", action="store_true", help="log more: dropped packets, loading details")
    known_options = parser.parse_args(arguments)
    simulator = known_options.simulator
    for option, value, command in (
        ("--limit", known_options.limit, "simulator.playback"),
        ("--laps", known_options.laps, "simulator"),
    ):
        if value and (not simulator or simulator[0] != command):
            kind = "playback:RECORDING" if option == "--limit" else "lake, mountain or random:SEED"
            parser.error(f"{option} is for a simulator that the server starts: give --simulator {kind}")
        if value:
            simulator = (*simulator, option, f"{value:g}" if option == "--laps" else str(value))
    return Options(
        model=known_options.model,
        host=known_options.host,
        port=known_options.port,
        speed_mph=known_options.speed,
        throttle=known_options.throttle,
        engine=known_options.engine,
        preprocess=known_options.preprocess,
        record=known_options.record or known_options.image_folder,
        video=known_options.video,
        simulator=simulator,
        token=known_options.token,
        protect_simulators=known_options.protect_simulators,
        allow_host=tuple(known_options.allow_host),
        verbose=known_options.verbose,
    )


def _laps(text: str) -> float:
    return _number(text, 0.01, 1000.0, "laps")


def _number(text: str, low: float, high: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{what} must be a number from {low:g} to {high:g}, got {text!r}")
    return value


def _token(text: str) -> str:
    if len(text) < MIN_TOKEN_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"a token has {MIN_TOKEN_LENGTH} or more plain characters without a space")
    return text


def _port(text: str) -> int:
    return int(_number(text, 0, 65535, "a port"))


def _frames(text: str) -> int:
    return int(_number(text, 1, 1e9, "a number of frames"))


def _speed(text: str) -> float:
    return _number(text, 0, MAX_SPEED_MPH, "a speed in mph")


def _throttle(text: str) -> float:
    return _number(text, 0, 1, "a throttle")
