"""The arguments of the server's command line, which are also the settings of a file and of the environment."""

from __future__ import annotations

import argparse
from pathlib import Path

from inference.engine import ENGINES
from models.adapter.text import adapter_text, model_source, output_text, syntax
from protocol.command_line import command_parser, number, whole
from server.built_in_simulator import SIMULATORS, parse_simulator
from server.config.log_format import FORMATS
from server.config.workers import workers_option

MAX_SPEED_MPH = 100.0
MODELS_THROTTLE = "model"
MIN_TOKEN_LENGTH = 16

_port = whole(0, 65535, "a port")
_speed = number(0, MAX_SPEED_MPH, "a speed in mph")
_constant_throttle = number(0, 1, "a throttle")


def _throttle(text: str) -> float | str:
    """A constant throttle, or "model" for the one that the model answers with."""
    return MODELS_THROTTLE if text == MODELS_THROTTLE else _constant_throttle(text)


_threads = whole(1, 64, "a number of threads")
_batch_ms = number(0, 100, "milliseconds to wait")
_drain_s = number(0, 86_400, "seconds to drive on")
_frames = whole(1, 10**9, "a number of frames")
_laps = number(0.01, 1000, "laps")

HELP = """Drive the Udacity simulator with a trained model. The simulator connects when you choose AUTONOMOUS MODE.

examples:
  python server/drive.py models/eff.h5
      drive at 15 mph; start the simulator and choose AUTONOMOUS MODE
  python server/drive.py models/eff.h5 --video drive.mp4
      also film the drive in real time; the film shows steering, speed and latency
  python server/drive.py models/eff.h5 --careful
      slow down where the model is unsure of what it sees, and stop before a wall or when the lens is covered
  python server/drive.py models/baseline.h5 recordings --speed 20
      also record the drive in Udacity's format, in a new folder inside recordings/
  python server/drive.py models/eff.h5 --simulator lake --laps 1 --video demo.mp4
      drive the built-in simulator, print how well the car drove, and film it
  python server/drive.py models/eff.h5 --simulator replay:RECORDING --laps 0.2 --video demo.mp4
      drive through a recording's frames, which are shifted and turned as the car steers
  python server/drive.py models/eff.h5 --simulator by-hand
      drive by hand in the browser, and hand over to the model
  python server/drive.py models/eff.h5 --simulator playback:RECORDING --video demo.mp4
      answer a recording's frames, and compare the answers with its driver
  python server/drive.py model.h5 --preprocess "rows=60:135, colour=yuv, size=66x200, scale=1/255"
      drive with a model that wants the pixels of its training; `python -m models.identify` finds them
  python server/drive.py models/eff.h5 --workers auto
      drive dozens of simulators with several processes, on one port and with one page
  python server/drive.py --config drive.toml
      read the options from a file; `--print-config` prints such a file

Every option may also stand in the environment (DRIVE_SPEED=20) or in the file (speed = 20). The command line overrides
the environment, and the environment overrides the file.

exit code: 0 Ctrl-C or SIGTERM while it serves, or the started simulator drove its laps on the road; 1 that simulator
left the road or did not finish, or the server had to give up; 2 bad input; 130 Ctrl-C before it serves, or twice.

For a model that does not take the camera's 160 x 320 bytes, --preprocess says which pixels it wants.

"""


def server_parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.Action]]:
    """The parser, and its arguments that are also settings, by name."""
    parser = command_parser("python server/drive.py", HELP + syntax())
    titles = ("model", "driving", "recording and film", "simulator", "network", "settings and log")
    groups = {title: parser.add_argument_group(title) for title in titles}
    driving = groups.pop("driving")
    pace = driving.add_mutually_exclusive_group()
    model, recording, simulator, network, settings = (group.add_argument for group in groups.values())
    flag = argparse.BooleanOptionalAction
    actions = [
        model(
            "model", type=model_source, nargs="?", metavar="MODEL", help=".h5, .keras, .json + .h5, .tflite or .onnx"
        ),
        network("--host", default="127.0.0.1", help="address to listen on (default: this computer only)"),
        network("--port", type=_port, default=4567, help="the simulator expects 4567 (default); 0: any free one"),
        network(
            "--workers",
            type=workers_option,
            default=1,
            metavar="N",
            help="processes that answer simulators, on one port and with one page (default: 1); auto: one for each two "
            "cores, at most 8",
        ),
        network(
            "--drain",
            type=_drain_s,
            default=0.0,
            metavar="S",
            help="after SIGTERM, take no new simulators and let the present ones drive on for so long (default: 0)",
        ),
        pace.add_argument("--speed", type=_speed, metavar="MPH", help="target speed (default: 15)"),
        pace.add_argument(
            "--throttle", type=_throttle, metavar="T", help="a constant throttle, 0..1, or the model's own: model"
        ),
        driving.add_argument(
            "--careful",
            action=flag,
            default=False,
            help="slow down where the model is unsure of the view, and stop where it has no idea",
        ),
        model("--engine", choices=ENGINES, default="auto", help="library that runs the network (default: auto)"),
        model("--threads", type=_threads, metavar="N", help="LiteRT's threads (default: one for each core, at most 4)"),
        model(
            "--batch-ms",
            type=_batch_ms,
            default=0.0,
            metavar="MS",
            help="on a GPU, wait so long for frames of further simulators to answer together (default: 0)",
        ),
        model("--preprocess", type=adapter_text, metavar="TEXT", help="the pixels that the model wants, see below"),
        model("--output", type=output_text, metavar="NAME", help="the output that steers, by name or number"),
        recording("--record", type=Path, metavar="DIR", help="record in a new folder inside DIR"),
        recording("--video", type=Path, metavar="FILE.mp4", help="film the drive"),
        recording("--saliency", action=flag, default=False, help="mark in the film what the model looks at"),
        simulator(
            "--simulator",
            type=parse_simulator,
            metavar="SIM",
            help=f"also start this simulator: {SIMULATORS}",
        ),
        simulator("--udacity", type=Path, metavar="DIR", help="a checkout of Udacity's simulator, for its tracks"),
        simulator("--limit", type=_frames, metavar="FRAMES", help="end a playback after this many frames"),
        simulator(
            "--laps",
            type=_laps,
            metavar="N",
            help="laps to drive, or the part of a replay (default: 1)",
        ),
        model("--watch", action=flag, default=False, help="load the model again when its file changes"),
        model(
            "--shadow",
            type=model_source,
            metavar="MODEL",
            help="compare a second model on each frame; it steers nothing",
        ),
        network(
            "--token", type=_token, help="token for page and API (default: none on this computer, else a random one)"
        ),
        network(
            "--protect-simulators",
            action=flag,
            default=False,
            help="ask simulators for it too: ?token= in their URL",
        ),
        network(
            "--allow-host",
            action="append",
            default=[],
            metavar="NAME",
            help="a host name under which a proxy serves it",
        ),
        settings("--log", choices=FORMATS, default="human", help="lines for people (default) or JSON for machines"),
        settings("--verbose", action=flag, default=False, help="also log dropped packets and loading details"),
    ]
    recording(
        "image_folder",
        type=Path,
        nargs="?",
        metavar="IMAGE_FOLDER",
        help="same as --record, for Udacity's drive.py",
    )
    settings("--config", type=Path, metavar="FILE.toml", help="read settings from a file")
    settings(
        "--print-config",
        action="store_const",
        const=True,
        help="print the settings and their sources, and exit",
    )
    return parser, {action.dest: action for action in actions}


def _token(text: str) -> str:
    if len(text) < MIN_TOKEN_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"a token has {MIN_TOKEN_LENGTH} or more plain characters without a space")
    return text
