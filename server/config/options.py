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

from inference.engine import cpu_threads
from models.adapter.text import ModelSource, with_output
from models.preprocessing.written import PreprocessingError
from protocol.tracks.names import TRACK_LIST
from server.built_in_simulator import BY_HAND, simulator_text
from server.config.arguments import server_parser
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
from server.config.workers import worker_count

DEFAULT_SPEED_MPH = 15.0
PACES = ("speed", "throttle")
"""Only one of these can be in force: a throttle on the command line displaces a speed in a file."""


@dataclass(frozen=True, slots=True)
class Options:
    """The server's options.

    speed_mph: the target speed, unless throttle is set, to a constant or to "model". careful: slow down and stop by the
    model's confidence. threads: of LiteRT, None for its own choice. batch_ms: see inference/batches.py. record, video:
    None for no recording, no film. drain: seconds that simulators may drive on after SIGTERM.
    saliency: mark in the film what the model looks at.
    simulator: the command of the simulator to start as a client, None for the user's own.
    watch: load the model again when its file changes. shadow: a second model that is compared and steers nothing.
    token: page and API need it, and with protect_simulators the simulators too. allow_host: further host names.
    """

    model: Path
    host: str
    port: int
    workers: int
    drain: float
    speed_mph: float
    throttle: float | str | None
    careful: bool
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
    parser, schema = server_parser()
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
            kind = "playback:RECORDING" if option == "limit" else f"{TRACK_LIST} or replay:RECORDING"
            parser.error(f"--{option} needs a simulator that the server starts: give --simulator {kind}")
        if value:
            simulator = (*simulator, f"--{option}", f"{value:g}" if option == "laps" else str(value))
    if values["udacity"]:
        if not simulator or simulator[0] != "simulator":
            parser.error("--udacity is for a simulator that the server starts: give --simulator udacity-lake")
        simulator = (*simulator, "--udacity", str(values["udacity"].resolve()))
    try:
        text = with_output(model.preprocess or values["preprocess"], values["output"])
        workers = worker_count(values["workers"])
    except (PreprocessingError, argparse.ArgumentTypeError) as error:
        parser.error(str(error))
    special = (*PACES, "limit", "laps", "udacity", "simulator", "allow_host", "output")
    options = {name: values[name] for name in values if name not in special}
    options |= {"model": model.path, "preprocess": text, "workers": workers}
    if workers > 1 and options["threads"] is None:
        options["threads"] = cpu_threads(workers)
    return Options(
        **options,
        speed_mph=values.get("speed", DEFAULT_SPEED_MPH),
        throttle=values.get("throttle"),
        simulator=simulator,
        allow_host=tuple(values["allow_host"]),
    )
