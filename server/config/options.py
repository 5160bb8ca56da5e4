"""Reads the server's options from the command line, the environment or a TOML file into one frozen object.

The command line's arguments are the one schema of all three; server/config/settings.py merges them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.engine import ENGINES
from models.adapter.text import ModelSource, adapter_text, model_source, output_text, syntax, with_output
from models.preprocessing.written import PreprocessingError
from protocol.command_line import command_parser, number, whole
from server.built_in_simulator import BY_HAND, parse_simulator, simulator_text
from server.config.log_format import FORMATS
from server.config.settings import (
    ENVIRONMENT_PREFIX,
    NamedSettings,
    Setting,
    SettingError,
    as_toml,
    from_environment,
    from_file,
    merge,
    unknown_variables,
)

MAX_SPEED_MPH = 100.0
DEFAULT_SPEED_MPH = 15.0
MODELS_THROTTLE = "model"
PACES = ("speed", "throttle")
"""Only one of these can be in force: a throttle on the command line displaces a speed in a file."""

MIN_TOKEN_LENGTH = 16

_port = whole(0, 65535, "a port")
_speed = number(0, MAX_SPEED_MPH, "a speed in mph")
_constant_throttle = number(0, 1, "a throttle")


def _throttle(text: str) -> float | str:
    """A constant throttle, or "model" for the one that the model answers with."""
    return MODELS_THROTTLE if text == MODELS_THROTTLE else _constant_throttle(text)


_threads = whole(1, 64, "a number of threads")
_batch_ms = number(0, 100, "milliseconds to wait")
_frames = whole(1, 10**9, "a number of frames")
_laps = number(0.01, 1000, "laps")

HELP = """Drive the Udacity simulator with a trained model. The simulator connects when you choose AUTONOMOUS MODE.

examples:
  python server/drive.py models/eff.h5
      drive at 15 mph; start the simulator and choose AUTONOMOUS MODE
  python server/drive.py models/eff.h5 --video drive.mp4
      also film the drive in real time; the film shows steering, speed and latency
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
  python server/drive.py --config drive.toml
      read the options from a file; `--print-config` prints such a file

Every option may also stand in the environment (DRIVE_SPEED=20) or in the file (speed = 20). The command line overrides
the environment, and the environment overrides the file.

exit code: 0 Ctrl-C or SIGTERM while it serves, or the started simulator drove its laps on the road; 1 that simulator
left the road or did not finish, or the server had to give up; 2 bad input; 130 Ctrl-C before it serves, or twice.

For a model that does not take the camera's 160 x 320 bytes, --preprocess says which pixels it wants.

"""


@dataclass(frozen=True, slots=True)
class Options:
    """The server's options.

    speed_mph: the target speed, unless throttle is set, to a constant or to "model". threads: of LiteRT, None for its
    own choice. batch_ms: see inference/batches.py. record, video: None for no recording, no film.
    saliency: mark in the film what the model looks at.
    simulator: the command of the simulator to start as a client, None for the user's own.
    watch: load the model again when its file changes. shadow: a second model that is compared and steers nothing.
    token: page and API need it, and with protect_simulators the simulators too. allow_host: further host names.
    """

    model: Path
    host: str
    port: int
    speed_mph: float
    throttle: float | str | None
    engine: str
    threads: int | None
    batch_ms: float
    preprocess: str | None
    record: Path | None
    video: Path | None
    saliency: bool
    simulator: tuple[str, ...] | None
    watch: bool
    shadow: ModelSource | None
    token: str | None
    protect_simulators: bool
    allow_host: tuple[str, ...]
    log: str
    verbose: bool


def parse_options(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> Options:
    """Command-line arguments and an environment (os.environ by default) -> Options.

    Exits with code 2 and one line when an option is invalid, with 0 after --help and --print-config.
    """
    environment = os.environ if environment is None else environment
    parser, schema = _parser()
    arguments_set = _arguments_set(parser.parse_args(arguments, argparse.Namespace(**{name: [] for name in schema})))
    config = arguments_set.pop("config", None) or environment.get(f"{ENVIRONMENT_PREFIX}CONFIG")
    print_config = arguments_set.pop("print_config", False)
    if "image_folder" in arguments_set:
        arguments_set.setdefault("record", arguments_set["image_folder"])
        del arguments_set["image_folder"]
    try:
        settings = merge(
            (
                {name: Setting(action.default, "default") for name, action in schema.items() if name not in PACES},
                {"speed": Setting(DEFAULT_SPEED_MPH, "default")},
                from_file(Path(config), schema) if config else {},
                from_environment(environment, schema),
                {name: Setting(value, "command line") for name, value in arguments_set.items()},
            ),
            exclusive=PACES,
        )
    except SettingError as error:
        parser.error(str(error))
    for variable in unknown_variables(environment, (*schema, "config")):
        print(f"drive.py: {variable} is no setting of this server and has no effect", file=sys.stderr)
    if print_config:
        print(as_toml(_printable(settings), secret=("token",)))
        parser.exit()
    return _options(parser, {name: setting.value for name, setting in settings.items()})


def _arguments_set(namespace: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the command line; each argument that the user left out is None or an empty list."""
    return {name: value for name, value in vars(namespace).items() if value is not None and value != []}


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.Action]]:
    """The parser, and its arguments that are also settings, by name."""
    parser = command_parser("python server/drive.py", HELP + syntax())
    titles = ("model", "driving", "recording and film", "simulator", "network", "settings and log")
    groups = {title: parser.add_argument_group(title) for title in titles}
    pace = groups.pop("driving").add_mutually_exclusive_group()
    model, recording, simulator, network, settings = (group.add_argument for group in groups.values())
    flag = argparse.BooleanOptionalAction
    actions = [
        model(
            "model", type=model_source, nargs="?", metavar="MODEL", help=".h5, .keras, .json + .h5, .tflite or .onnx"
        ),
        network("--host", default="127.0.0.1", help="address to listen on (default: this computer only)"),
        network("--port", type=_port, default=4567, help="the simulator expects 4567 (default); 0: any free one"),
        pace.add_argument("--speed", type=_speed, metavar="MPH", help="target speed (default: 15)"),
        pace.add_argument(
            "--throttle", type=_throttle, metavar="T", help="a constant throttle, 0..1, or the model's own: model"
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
            help="also start this simulator: lake, mountain, random:SEED, by-hand, replay:RECORDING or "
            "playback:RECORDING",
        ),
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


def _printable(settings: NamedSettings) -> NamedSettings:
    """Settings as the user would write them."""
    simulator = settings["simulator"]
    if isinstance(simulator.value, tuple):
        settings = {**settings, "simulator": Setting(simulator_text(simulator.value), simulator.source)}
    return settings


def _options(parser: argparse.ArgumentParser, values: dict[str, Any]) -> Options:
    if values["model"] is None:
        parser.error("MODEL is missing: name the model that drives, e.g. models/eff.h5")
    model: ModelSource = values["model"]
    if model.preprocess and values["preprocess"]:
        parser.error(f"the pixels stand twice, in {model} and in --preprocess: give them once")
    if values["saliency"] and values["video"] is None:
        parser.error("--saliency marks the film of a drive: give --video FILE.mp4 (the live page has a button for it)")
    simulator = values["simulator"]
    for option, command in (("limit", "simulator.playback"), ("laps", "simulator")):
        value = values[option]
        if value and (not simulator or simulator[0] != command or simulator == BY_HAND):
            kind = "playback:RECORDING" if option == "limit" else "lake, mountain, random:SEED or replay:RECORDING"
            parser.error(f"--{option} needs a simulator that the server starts: give --simulator {kind}")
        if value:
            simulator = (*simulator, f"--{option}", f"{value:g}" if option == "laps" else str(value))
    try:
        text = with_output(model.preprocess or values["preprocess"], values["output"])
    except PreprocessingError as error:
        parser.error(str(error))
    special = (*PACES, "limit", "laps", "simulator", "allow_host", "output")
    options = {name: values[name] for name in values if name not in special}
    options |= {"model": model.path, "preprocess": text}
    return Options(
        **options,
        speed_mph=values.get("speed", DEFAULT_SPEED_MPH),
        throttle=values.get("throttle"),
        simulator=simulator,
        allow_host=tuple(values["allow_host"]),
    )


def _token(text: str) -> str:
    if len(text) < MIN_TOKEN_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"a token has {MIN_TOKEN_LENGTH} or more plain characters without a space")
    return text
