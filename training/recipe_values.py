"""What a recipe's values may be, where a file names them: their types, and the range of each number."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from models import NETWORK_NAMES, is_network
from protocol.tracks.names import TRACK_NAMES, is_track_name
from training.run.recipe import Recipe

NONE = "none"
"""It stands for None, which TOML does not know."""

MAX_ITEMS = 100

_SHARES = ("warm_up", "last_rate", "straight_kept", "centre_share", "contrast_share", "contrast_low", "noise_share",
           "shadow_share", "tint", "straight_below", "side_camera", "weight_decay")  # fmt: skip

LIMITS: dict[str, tuple[float, float]] = dict.fromkeys(_SHARES, (0.0, 1.0)) | {
    "epochs": (1, 10_000),
    "refit_epochs": (0, 10_000),
    "refit_learning_rate": (1e-7, 1.0),
    "batch": (1, 4096),
    "learning_rate": (1e-7, 1.0),
    "huber_width": (1e-6, 10.0),
    "block_dropout": (0.0, 0.95),
    "head_dropout": (0.0, 0.95),
    "average_horizon_steps": (1, 1_000_000),
    "smooth_s": (0.0, 10.0),
    "straight_share": (0.0, 0.99),
    "rows_apart_s": (0.0, 60.0),
    "expert_share": (0.01, 0.99),
    "steps": (1, 1_000_000),
    "brightness_low": (0.0, 10.0),
    "brightness_high": (0.0, 10.0),
    "noise_levels": (0.0, 255.0),
    "shift_m": (0.0, 2.0),
    "turn_deg": (0.0, 20.0),
    "horizon_rows": (0.0, 160.0),
    "roll_deg": (-45.0, 45.0),
    "turn_reach_m": (0.0, 100.0),
    "held_out_starts_m": (0.0, 100_000.0),
    "held_out_length_m": (1.0, 10_000.0),
    "guard_m": (0.0, 1000.0),
    "driven_checkpoints": (0, 100),
    "held_out_share": (0.01, 0.9),
    "patience": (0, 10_000),
}
"""The least and the greatest number of each of the recipe's values that are numbers, or hold numbers."""

FASTEST_MPH = 60.0


class RecipeError(ValueError):
    """A recipe file cannot be used; the message says which key is wrong and what it takes."""


def checked_network(value: Any, title: str) -> str:
    """Return a network's name. title: what the value is, for errors. Raises RecipeError for another."""
    if not isinstance(value, str) or not is_network(value):
        raise RecipeError(f"{title} must be a network ({NETWORK_NAMES}), got {value!r:.60}")
    return value


def checked_value(name: str, value: Any, source: str) -> Any:
    """Return a value as `Recipe` has it. Raises RecipeError for an unknown name, another type or a number out of range.

    source: the file's name, for errors.
    """
    kind = get_type_hints(Recipe).get(check_name(name, source))
    is_optional = type(None) in get_args(kind)
    if is_optional and value == NONE:
        return None
    (kind,) = [part for part in get_args(kind) if part is not type(None)] if is_optional else [kind]
    try:
        return _READERS[kind](name, value)
    except RecipeError as error:
        takes = f"{error} or {NONE!r}" if is_optional else str(error)
        raise RecipeError(f"{source}: {name} must be {takes}, got {value!r:.60}") from None


def check_name(name: str, source: str) -> str:
    """Return the name of one of the recipe's values. Raises RecipeError for another, with the closest one."""
    names = [field.name for field in fields(Recipe)]
    if name not in names:
        closest = difflib.get_close_matches(name, names, 1)
        advice = f"did you mean {closest[0]}?" if closest else "training/run/recipe.py lists the names"
        raise RecipeError(f"{source}: a recipe has no value {name!r:.60}; {advice}")
    return name


def _number(name: str, value: Any) -> float:
    low, high = LIMITS[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high:
        raise RecipeError(f"a number from {low:g} to {high:g}")
    return float(value)


def _whole(name: str, value: Any) -> int:
    low, high = LIMITS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RecipeError(f"a whole number from {low:g} to {high:g}")
    return value


def _truth(_: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RecipeError("true or false")
    return value


def _pair(name: str, value: Any) -> tuple[float, ...]:
    low, high = LIMITS[name]
    numbers = _numbers(name, value)
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise RecipeError(f"two numbers from {low:g} to {high:g}, the lower one first")
    return numbers


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    low, high = LIMITS[name]
    try:
        return tuple(_number(name, item) for item in _items(value))
    except RecipeError:
        raise RecipeError(f"a list of numbers from {low:g} to {high:g}") from None


def _tracks(_: str, value: Any) -> tuple[str, ...]:
    items = _items(value)
    if not all(isinstance(item, str) and is_track_name(item) for item in items):
        raise RecipeError(f"a list of tracks ({TRACK_NAMES})")
    return tuple(items)


def _trials(_: str, value: Any) -> tuple[tuple[str, bool, float], ...]:
    laps = []
    for item in _items(value):
        match item:
            case [str(track), bool(is_reverse), int(mph) | float(mph)] if is_track_name(track) and _is_speed(mph):
                laps.append((track, is_reverse, float(mph)))
            case _:
                raise RecipeError(f"a list of laps such as ['lake', false, 25.0], at 1 to {FASTEST_MPH:g} mph")
    return tuple(laps)


def _is_speed(mph: float) -> bool:
    return not isinstance(mph, bool) and 1 <= mph <= FASTEST_MPH


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        raise RecipeError(f"a list of 1 to {MAX_ITEMS} values")
    return value


_READERS: dict[Any, Callable[[str, Any], Any]] = {
    bool: _truth,
    int: _whole,
    float: _number,
    tuple[float, float]: _pair,
    tuple[float, ...]: _numbers,
    tuple[str, ...]: _tracks,
    get_type_hints(Recipe)["trials"]: _trials,
}
