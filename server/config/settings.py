"""Reads settings from a TOML file and from the environment, with the command line's names, types and limits.

The command line's arguments are the one schema of all three. `--speed 20`, `DRIVE_SPEED=20` and `speed = 20` mean the
same and fail with the same message. The command line overrides the environment, which overrides the file.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT_PREFIX = "DRIVE_"
MAX_FILE_BYTES = 100_000
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingError(ValueError):
    """A setting is invalid; says where it stands, what was received and what was expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and its source in words, such as `default` or the file's path."""

    value: object
    source: str


NamedSettings = dict[str, Setting]


def merge(layers: Iterable[NamedSettings], exclusive: Sequence[str]) -> NamedSettings:
    """Layers, the weakest first -> the settings in force. exclusive: only the strongest layer's of these stays."""
    merged: NamedSettings = {}
    for layer in layers:
        names = [name for name in exclusive if name in layer]
        if len(names) > 1:
            raise SettingError(f"{layer[names[0]].source}: {' and '.join(names)} exclude each other")
        if names:
            merged = {name: setting for name, setting in merged.items() if name not in exclusive}
        merged |= layer
    return merged


def from_file(path: Path, schema: Mapping[str, argparse.Action]) -> NamedSettings:
    """The settings of a TOML file. Raises SettingError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
        if len(text) > MAX_FILE_BYTES:
            raise SettingError(f"{path} is larger than {MAX_FILE_BYTES // 1000} kB; is it a configuration?")
        content = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        raise SettingError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:  # of TOML or UTF-8
        raise SettingError(f"{path} is not TOML: {error}") from None
    settings = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in schema:
            raise SettingError(f"{path}: unknown setting {key!r}; the settings are {', '.join(sorted(schema))}")
        settings[name] = Setting(_converted(schema[name], value, f"{path}: {key}"), str(path))
    return settings


def from_environment(environment: Mapping[str, str], schema: Mapping[str, argparse.Action]) -> NamedSettings:
    """The settings of DRIVE_* variables; lists are separated by commas, empty ones unset. Raises SettingError."""
    settings = {}
    for variable, text in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if text and variable.startswith(ENVIRONMENT_PREFIX) and name in schema:
            value = text.split(",") if isinstance(schema[name].default, list) else text
            settings[name] = Setting(_converted(schema[name], value, variable), variable)
    return settings


def unknown_variables(environment: Mapping[str, str], settings: Iterable[str]) -> list[str]:
    """The DRIVE_* variables that name none of `settings`, such as misspelt ones."""
    names = {f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in settings}
    return sorted(v for v in environment if v.startswith(ENVIRONMENT_PREFIX) and v not in names)


def as_toml(settings: NamedSettings, secret: Iterable[str] = ()) -> str:
    """Settings as a TOML file, each with its source. secret: names whose values are hidden."""
    lines = []
    for name, setting in settings.items():
        value = setting.value
        if value is None or value == []:
            lines.append(f"# {name} is not set")
        elif name in secret:
            lines.append(f"# {name} is set and hidden  # {setting.source}")
        else:
            lines.append(f"{name} = {_toml(value)}  # {setting.source}")
    return "\n".join(lines)


def _converted(action: argparse.Action, value: object, where: str) -> object:
    """The value, converted and checked by its argument's type and choices."""
    if isinstance(action.default, bool):
        return _flag(value, where)
    if isinstance(action.default, list):
        if not isinstance(value, list):
            raise SettingError(f"{where}: expected a list of texts, got {value!r}")
        return [_single(action, item, where) for item in value]
    return _single(action, value, where)


def _single(action: argparse.Action, value: object, where: str) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise SettingError(f"{where}: expected a text or a number, got {value!r}")
    convert = action.type if callable(action.type) else str
    try:
        converted: object = convert(str(value))
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise SettingError(f"{where}: {error}") from None
    if action.choices is not None and converted not in action.choices:
        raise SettingError(f"{where}: expected one of {', '.join(map(str, action.choices))}, got {value!r}")
    return converted


def _flag(value: object, where: str) -> bool:
    text = str(value).lower()
    if not isinstance(value, (bool, str)) or text not in (*YES, *NO):
        raise SettingError(f"{where}: expected true or false, got {value!r}")
    return text in YES


def _toml(value: object) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False)  # a JSON string is a TOML string
