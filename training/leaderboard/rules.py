"""The rules of a leaderboard, as a TOML file says them: what each model drives, what counts how much, and the limits.

tracks = ["lake", "mountain", "random:201-204"]
directions = ["forward", "backward"]
speeds_mph = [15]
laps = 1
seeds = [0, 1]

[weights]
autonomy = 60

[limits]
drive_s = 1800
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from protocol.tracks.names import TRACK_NAMES, is_track_name
from training.leaderboard.tasks import DriveTask

DIRECTIONS = ("forward", "backward")
MAX_RULES_BYTES = 100_000
MAX_ROADS = 1000
RANGE = re.compile(r"random:(\d{1,9})-(\d{1,9})((?::\w+)?)")


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """What each part counts in the score, from 0; docs/leaderboard.md has the formula."""

    autonomy: float = 60.0
    distance: float = 20.0
    smoothness: float = 8.0
    speed: float = 6.0
    latency: float = 3.0
    size: float = 3.0


@dataclass(frozen=True, slots=True)
class SubmissionLimits:
    """What a submission may take. file_mb: all its files together, packed or not; memory_gb: addresses of a process.

    open_s: seconds of processor time until it is converted and has answered a frame; drive_s: the same of a drive.
    """

    file_mb: float = 200.0
    memory_gb: float = 6.0
    open_s: float = 300.0
    drive_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class BoardRules:
    """seeds: each gives every drive another start: place on the lap, a step aside, a turn."""

    tracks: tuple[str, ...] = ("lake", "mountain")
    directions: tuple[str, ...] = DIRECTIONS
    speeds_mph: tuple[float, ...] = (15.0,)
    laps: float = 1.0
    seeds: tuple[int, ...] = (0,)
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    limits: SubmissionLimits = field(default_factory=SubmissionLimits)

    def tasks(self, model: str) -> list[DriveTask]:
        """Everything that a model drives. model: hash of what drives."""
        return [
            DriveTask(model, track, direction == "backward", speed, seed, self.laps)
            for track in self.tracks
            for direction in self.directions
            for speed in self.speeds_mph
            for seed in self.seeds
        ]

    @property
    def sha256(self) -> str:
        """The hash of all that the rules say."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class RulesError(ValueError):
    """Rules that cannot be read; the message says which key is wrong and what it takes."""


def read_rules(file: Path | None, tracks: Sequence[str] = ()) -> BoardRules:
    """Read a rules file; None gives the default rules. tracks: if there are any, they replace the file's.

    Raises RulesError, OSError.
    """
    rules = _rules(_content(file), str(file)) if file else BoardRules()
    return replace(rules, tracks=expanded(tracks)) if tracks else rules


def expanded(names: Sequence[str]) -> tuple[str, ...]:
    """The tracks of these names, each once; `random:201-210` names ten. Raises RulesError."""
    tracks: list[str] = []
    for name in names:
        span = RANGE.fullmatch(name)
        first, last = (int(span[1]), int(span[2])) if span else (0, 0)
        if span and not first <= last < first + MAX_ROADS:
            raise RulesError(f"{name!r} must name 1 to {MAX_ROADS} roads, the lower number first")
        tracks += [f"random:{seed}{span[3]}" for seed in range(first, last + 1)] if span else [name]
    for track in tracks:
        if not is_track_name(track):
            raise RulesError(f"no track {track!r}; the tracks are {TRACK_NAMES}, and random:201-210 names ten roads")
    if not 1 <= len(tracks) <= MAX_ROADS:
        raise RulesError(f"tracks must name 1 to {MAX_ROADS} roads, got {len(tracks)}")
    return tuple(dict.fromkeys(tracks))


def _content(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        text = stream.read(MAX_RULES_BYTES + 1)
    if len(text) > MAX_RULES_BYTES:
        raise RulesError(f"{file} is larger than {MAX_RULES_BYTES:,} bytes; is it a rules file?")
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{file} is not TOML: {error}") from None


def _rules(content: dict[str, Any], source: str) -> BoardRules:
    readers: dict[str, Callable[[Any, str], Any]] = {
        "tracks": lambda value, name: expanded(_list(value, name, str)),
        "directions": lambda value, name: tuple(dict.fromkeys(_direction(item, name) for item in _list(value, name))),
        "speeds_mph": lambda value, name: tuple(_number(item, name, 1, 30) for item in _list(value, name)),
        "laps": lambda value, name: _number(value, name, 0.01, 100),
        "seeds": lambda value, name: tuple(_seed(item, name) for item in _list(value, name)),
        "weights": lambda value, name: ScoreWeights(**_table(value, name, ScoreWeights, 0, 1e6)),
        "limits": lambda value, name: SubmissionLimits(**_table(value, name, SubmissionLimits, 0.01, 1e5)),
    }
    _check_names(content, list(readers), source)
    rules = BoardRules(**{name: readers[name](value, f"{source}: {name}") for name, value in content.items()})
    if not sum(asdict(rules.weights).values()) > 0:
        raise RulesError(f"{source}: one of the weights must be more than 0")
    return rules


def _table(value: Any, name: str, kind: type, low: float, high: float) -> dict[str, float]:
    if not isinstance(value, dict):
        raise RulesError(f"{name} must be a table, got {value!r:.60}")
    _check_names(value, [one.name for one in fields(kind)], name)
    return {key: _number(item, f"{name}.{key}", low, high) for key, item in value.items()}


def _check_names(content: dict[str, Any], names: Sequence[str], source: str) -> None:
    for name in content:
        if name not in names:
            raise RulesError(f"{source} has no key {name!r}; the keys are {', '.join(names)}")


def _list(value: Any, name: str, kind: type = object) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ROADS or not all(isinstance(v, kind) for v in value):
        raise RulesError(f"{name} must be a list of 1 to {MAX_ROADS} values, got {value!r:.60}")
    return value


def _direction(value: Any, name: str) -> str:
    if value not in DIRECTIONS:
        raise RulesError(f"{name} are {' and '.join(DIRECTIONS)}, got {value!r:.60}")
    return str(value)


def _number(value: Any, name: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high:
        raise RulesError(f"{name} must be a number from {low:g} to {high:g}, got {value!r:.60}")
    return float(value)


def _seed(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise RulesError(f"{name} must be whole numbers from 0, got {value!r:.60}")
    return value
