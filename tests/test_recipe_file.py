"""A recipe file says what a recipe may be, and nothing else; training takes it as it takes a recipe's name."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import get_type_hints

import pytest

from training.__main__ import main, parse, training_settings
from training.recipe_file import RECIPES, RecipeFile, read_recipe, recipe_in
from training.recipe_values import LIMITS, RecipeError
from training.run.recipe import QUICK, Recipe, recipe_of


def test_any_recipe_can_be_written_and_read(tmp_path: Path) -> None:
    for name in RECIPES:
        recipe = recipe_of(name, "eff")
        base = "study" if name == "ours" else "ours"
        values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
        (tmp_path / "recipe.toml").write_text(RecipeFile("eff", base, values).text())
        file = read_recipe(tmp_path / "recipe.toml")
        assert (file.model, file.base, file.recipe("eff")) == ("eff", base, recipe)


def test_each_number_of_a_recipe_has_limits_that_ours_keep() -> None:
    hints = get_type_hints(Recipe)
    texts = {"other_hood", "replays", "trials", "dagger_tracks"}
    assert LIMITS.keys() == hints.keys() - texts
    for name in RECIPES:
        recipe = recipe_of(name, "eff")
        for field, (low, high) in LIMITS.items():
            value = getattr(recipe, field)
            numbers = value if isinstance(value, tuple) else [] if value is None else [value]
            assert all(low <= number <= high for number in numbers), field


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rte = 1", "no value 'learning_rte'; did you mean learning_rate?"),
        ("zzz = 1", "no value 'zzz'; training/run/recipe.py lists the names"),
        ('learning_rate = "fast"', "learning_rate must be a number from 1e-07 to 1, got 'fast'"),
        ("learning_rate = true", "learning_rate must be a number"),
        ("learning_rate = nan", "learning_rate must be a number"),
        ("head_dropout = 1.0", "head_dropout must be a number from 0 to 0.95"),
        ("batch = 1.5", "batch must be a whole number from 1 to 4096, got 1.5"),
        ("batch = 0", "batch must be a whole number"),
        ("other_hood = 1", "other_hood must be true or false"),
        ("horizon_rows = [62, 57]", "horizon_rows must be two numbers from 0 to 160, the lower one first or 'none'"),
        ("horizon_rows = [57]", "horizon_rows must be two numbers"),
        ("held_out_starts_m = []", "held_out_starts_m must be a list of numbers"),
        ('epochs = "none"', "epochs must be a whole number"),
        ('trials = [["lake", false, 200]]', "trials must be a list of laps"),
        ('trials = [["moon", false, 20]]', "trials must be a list of laps"),
        ('trials = "lake"', "trials must be a list of 1 to 100 values"),
        ('dagger_tracks = ["moon"]', "dagger_tracks must be a list of tracks"),
        ('recipe = "best"', "recipe must be one of ours, quick, study, got 'best'"),
        ('model = "resnet"', "model must be a network"),
        ('model = ["eff"]', "model must be a network"),
        ("batch = 3\nbatch = 4", "is not TOML"),
        ("[search]\nbatch = [3, 4]", "it is a search's: python -m training.search"),
        ("#" * 100_001, "is larger than 100,000 bytes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=r"recipe\.toml") as error:
        read_recipe(file)
    assert message in str(error.value)


def test_values_that_contradict_each_other_are_refused() -> None:
    file = recipe_in({"brightness_low": 1.5}, "x.toml")
    with pytest.raises(RecipeError, match=r"brightness_low 1\.5 is above brightness_high"):
        file.recipe("eff")


def test_training_takes_a_recipe_file(tmp_path: Path) -> None:
    file = tmp_path / "best.toml"
    file.write_text('model = "effnet-4x48"\nrecipe = "quick"\nbatch = 16\nsteps = "none"\n')
    settings = training_settings(parse([str(tmp_path), "--recipe", str(file), "--seed", "7"]))
    assert (settings.model, settings.seed) == ("effnet-4x48", 7)
    assert settings.recipe == replace(QUICK, batch=16, steps=None)
    other = training_settings(parse([str(tmp_path), "--recipe", str(file), "--model", "eff", "--epochs", "3"]))
    assert (other.model, other.recipe.epochs) == ("eff", 3)
    file.write_text(tomllib.loads(file.read_text())["recipe"].join(['recipe = "', '"\n']))
    assert training_settings(parse([str(tmp_path), "--recipe", str(file)])).model == "eff-tiny"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--recipe=best", "a recipe is ours, quick, study, or a FILE.toml, got 'best'"),
        ("--recipe=gone.toml", "cannot open or make gone.toml: no such file"),
        ("--model=resnet", "must be a network"),
        ("--model=effnet-9x32", "must be a network"),
        ("--model=effnet-4x33", "must be a network"),
    ],
)
def test_the_command_line_refuses_others(option: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["recording", option])
    assert message in capsys.readouterr().err
