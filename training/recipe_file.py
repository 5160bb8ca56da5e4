"""A recipe as a TOML file: a network, the recipe of this project that it starts from, and the values that differ.

model = "eff-tiny"
recipe = "quick"
learning_rate = 0.002
horizon_rows = "none"

The names and their reasons are those of `Recipe`. "none" stands for None.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from protocol.command_line import plain
from training.recipe_values import NONE, RecipeError, checked_network, checked_value
from training.run.recipe import Recipe, recipe_of

RECIPES = ("ours", "quick", "study")
SEARCH = "search"
"""The table that only a search's file has."""

MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """model: a network's name, None where the file names none. base: the recipe that it starts from, of RECIPES.

    values: those of Recipe that differ, by their names.
    """

    model: str | None
    base: str
    values: Mapping[str, Any]

    @property
    def network(self) -> str:
        """The network's name, also where the file names none."""
        return self.model or ("eff-tiny" if self.base == "quick" else "eff")

    def recipe(self, model: str) -> Recipe:
        """The recipe for a network. Raises RecipeError for values that contradict each other."""
        recipe = replace(recipe_of(self.base, model), **self.values)
        if recipe.brightness_low > recipe.brightness_high:
            raise RecipeError(f"brightness_low {recipe.brightness_low:g} is above brightness_high")
        return recipe

    def text(self) -> str:
        """The file's content."""
        items = ({"model": self.model} if self.model else {}) | {"recipe": self.base} | dict(self.values)
        return "".join(f"{name} = {_written(value)}\n" for name, value in items.items())


def read_recipe(file: Path) -> RecipeFile:
    """Read a recipe file. Raises RecipeError, and OSError for a file that cannot be read."""
    content = toml_content(file)
    if SEARCH in content:
        raise RecipeError(f"{file} has a table [{SEARCH}], so it is a search's: python -m training.search {file}")
    return recipe_in(content, str(file))


def toml_content(file: Path) -> dict[str, Any]:
    """Read a small TOML file. Raises RecipeError, OSError."""
    with file.open("rb") as stream:
        text = stream.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise RecipeError(f"{file} is larger than {MAX_BYTES:,} bytes; is it a recipe?")
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{file} is not TOML: {error}") from None


def recipe_in(content: Mapping[str, Any], source: str) -> RecipeFile:
    """Return the recipe that a file's content says. source: the file's name, for errors. Raises RecipeError."""
    values = dict(content)
    model, base = values.pop("model", None), values.pop("recipe", "ours")
    if base not in RECIPES:
        raise RecipeError(f"{source}: recipe must be one of {', '.join(RECIPES)}, got {base!r:.60}")
    if model is not None:
        checked_network(model, f"{source}: model")
    return RecipeFile(model, base, {name: checked_value(name, value, source) for name, value in values.items()})


def recipe_option(text: str) -> RecipeFile:
    """A parser for add_argument: a recipe of RECIPES, or a FILE.toml."""
    if text in RECIPES:
        return RecipeFile(None, text, {})
    if not text.endswith(".toml"):
        raise argparse.ArgumentTypeError(f"a recipe is {', '.join(RECIPES)}, or a FILE.toml, got {text!r}")
    try:
        return read_recipe(Path(text))
    except (OSError, RecipeError) as error:
        raise argparse.ArgumentTypeError(plain(error)) from None


def network_option(text: str) -> str:
    """A parser for add_argument: a network's name."""
    try:
        return checked_network(text, "it")
    except RecipeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _written(value: Any) -> str:
    return f'"{NONE}"' if value is None else json.dumps(value)
