"""The space of a search: a recipe file with a table of what each trial draws.

recipe = "quick"

[search]
model = ["effnet-3x32", "effnet-5x32"]
learning_rate = {low = 3e-4, high = 3e-3, log = true}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from training.recipe_file import SEARCH, RecipeFile, recipe_in, toml_content
from training.recipe_values import NONE, RecipeError, check_name, checked_network, checked_value
from training.run.recipe import Recipe

MODEL = "model"

JUDGES = ("trials", "replays", "smooth_s", "held_out_starts_m", "held_out_length_m", "guard_m", "held_out_share")
"""These values decide how a trial is judged: a search over them would choose the easiest examination."""

UNUSED = ("driven_checkpoints", "dagger_tracks")
"""A trial does not use these values."""

KEYS = {"low", "high", "log"}
DIGITS = 4
"""A drawn number has so many digits: more would say nothing."""


@dataclass(frozen=True, slots=True)
class Choices:
    """One of these values."""

    values: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value at a share of the way through the choices, from 0 to below 1."""
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True, slots=True)
class Span:
    """A number between two others. is_log: factors count alike, not differences. is_whole: whole numbers only."""

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    def at(self, share: float) -> float:
        """The number at a share of the way from low to high, from 0 to below 1."""
        if self.is_whole and not self.is_log:
            return int(self.low) + int(share * (self.high - self.low + 1))
        if self.is_log:
            number = self.low * (self.high / self.low) ** share
        else:
            number = self.low + share * (self.high - self.low)
        return round(number) if self.is_whole else float(f"{number:.{DIGITS}g}")


Domain = Choices | Span


@dataclass(frozen=True, slots=True)
class Space:
    """start: what every trial has but for the searched values. domains: what these are drawn from. text: as written."""

    start: RecipeFile
    domains: Mapping[str, Domain]
    text: str

    def draw(self, number: int, seed: int) -> dict[str, Any]:
        """The searched values of a trial, by name; they depend on nothing but its number, from 1, and the seed.

        The first trial has those of the start, and of the networks the first. The others are spread evenly, by Roberts'
        sequence: trial n is a random point of the seed, moved on n times by 1/g, 1/g^2, ..., and g^(d+1) = g + 1 for d
        searched values.
        """
        if number == 1:
            return {name: self._first(name, domain) for name, domain in self.domains.items()}
        count = len(self.domains)
        moves = number * _root(count) ** -np.arange(1.0, count + 1)
        shares = (np.random.default_rng(seed).random(count) + moves) % 1.0
        pairs = zip(self.domains.items(), shares.tolist(), strict=True)
        return {name: domain.at(share) for (name, domain), share in pairs}

    def _first(self, name: str, domain: Domain) -> Any:
        if name == MODEL:
            return domain.at(0.0)
        return getattr(self.start.recipe(self.start.network), name)

    def recipe_file(self, values: Mapping[str, Any]) -> RecipeFile:
        """The recipe of a trial with these searched values."""
        others = {name: value for name, value in values.items() if name != MODEL}
        model = values.get(MODEL, self.start.network)
        return RecipeFile(model, self.start.base, {**self.start.values, **others})


def read_space(file: Path) -> Space:
    """Read a space file. Raises RecipeError for one that cannot be searched, and OSError."""
    content, source = toml_content(file), str(file)
    table = content.pop(SEARCH, None)
    if not isinstance(table, dict) or not table:
        raise RecipeError(f"{source} has no table [{SEARCH}] that names what to search; see docs/search.md")
    start = recipe_in(content, source)
    if twice := sorted(table.keys() & {*start.values, *([MODEL] if start.model else [])}):
        raise RecipeError(f"{source}: {twice[0]} is fixed above and searched in [{SEARCH}]; leave one of them out")
    domains = {name: _domain(name, entry, f"{source}: [{SEARCH}]") for name, entry in table.items()}
    space = Space(start, domains, file.read_text(encoding="utf-8"))
    start.recipe(start.network)
    return space


def _domain(name: str, entry: Any, source: str) -> Domain:
    if name != MODEL:
        check_name(name, source)
    if name in JUDGES:
        raise RecipeError(f"{source} {name} decides how trials are judged; name one value for all, above [{SEARCH}]")
    if name in UNUSED:
        raise RecipeError(f"{source} {name} changes nothing in a trial")
    if isinstance(entry, list):
        return _choices(name, entry, source)
    if isinstance(entry, dict) and name != MODEL:
        return _span(name, entry, source)
    raise RecipeError(
        f"{source} {name} must be a list of values or a range such as {{low = 1, high = 2}}, got {entry!r:.60}"
        if name != MODEL
        else f"{source} {name} must be a list of networks, got {entry!r:.60}"
    )


def _choices(name: str, entry: list[Any], source: str) -> Choices:
    if name == MODEL:
        values = [checked_network(item, f"{source} {name}") for item in entry]
    else:
        values = [checked_value(name, item, source) for item in entry]
    if len(values) < 2 or any(value in values[:place] for place, value in enumerate(values)):
        raise RecipeError(f"{source} {name} must be two or more different values, got {entry!r:.60}")
    return Choices(tuple(values))


def _span(name: str, entry: dict[str, Any], source: str) -> Span:
    kind, is_log = get_type_hints(Recipe)[name], entry.get("log", False)
    if not entry.keys() <= KEYS or not {"low", "high"} <= entry.keys() or not isinstance(is_log, bool):
        raise RecipeError(f"{source} {name} must be a range with low, high, and perhaps log = true, got {entry!r:.60}")
    low, high = (checked_value(name, entry[key], source) for key in ("low", "high"))
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)):
        raise RecipeError(f"{source} {name} is no single number, so it takes a list of values; {NONE!r} ends no range")
    if low >= high:
        raise RecipeError(f"{source} {name} is empty: low {low:g} is not below high {high:g}")
    if is_log and low <= 0:
        raise RecipeError(f"{source} {name} has log = true, so low must be above 0, got {low:g}")
    return Span(low, high, is_log, kind in (int, int | None))


def _root(count: int) -> float:
    """The g above 1 with g^(count + 1) = g + 1."""
    g = 2.0
    for _ in range(64):
        g = math.pow(1.0 + g, 1.0 / (count + 1))
    return g
