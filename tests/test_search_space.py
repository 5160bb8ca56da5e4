"""A space file is checked before anything is trained, and its draws depend on nothing but the seed and the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.recipe_values import RecipeError
from training.run.recipe import QUICK
from training.search.space import Space, Span, read_space

TEXT = """
recipe = "quick"
steps = 100

[search]
model = ["effnet-3x32", "effnet-4x32", "effnet-5x16"]
learning_rate = {low = 3e-4, high = 3e-3, log = true}
batch = {low = 16, high = 19}
average_horizon_steps = {low = 10, high = 1000, log = true}
head_dropout = {low = 0.0, high = 0.5}
horizon_rows = ["none", [57, 62]]
straight_kept = {low = 0.1, high = 0.9}
"""


@pytest.fixture
def space(tmp_path: Path) -> Space:
    (tmp_path / "space.toml").write_text(TEXT)
    return read_space(tmp_path / "space.toml")


def test_the_first_trial_is_where_the_search_starts(space: Space) -> None:
    values = space.draw(1, 5)
    assert list(values) == list(space.domains)
    assert values["model"] == "effnet-3x32"
    assert values["learning_rate"] == QUICK.learning_rate
    assert values["straight_kept"] is None
    file = space.recipe_file(values)
    assert file.model == "effnet-3x32"
    assert file.recipe("effnet-3x32") == space.start.recipe("eff-tiny")


def test_draws_stay_in_the_space_and_cover_it(space: Space) -> None:
    draws = [space.draw(number, 5) for number in range(2, 202)]
    assert {draw["model"] for draw in draws} == {"effnet-3x32", "effnet-4x32", "effnet-5x16"}
    assert {draw["batch"] for draw in draws} == {16, 17, 18, 19}
    assert {draw["horizon_rows"] for draw in draws} == {None, (57.0, 62.0)}
    rates = [draw["learning_rate"] for draw in draws]
    assert 3e-4 <= min(rates) < 3.2e-4
    assert 2.8e-3 < max(rates) <= 3e-3
    below = sum(rate < 9.49e-4 for rate in rates)
    assert 95 <= below <= 105, "half of the draws are below the geometric mean"
    dropouts = [draw["head_dropout"] for draw in draws]
    assert 0 <= min(dropouts) < 0.02
    assert 0.48 < max(dropouts) <= 0.5
    for draw in draws:
        assert type(draw["average_horizon_steps"]) is int
        assert space.recipe_file(draw).recipe(draw["model"]).batch == draw["batch"]


def test_draws_depend_on_seed_and_number_alone(space: Space) -> None:
    assert space.draw(7, 5) == space.draw(7, 5)
    assert space.draw(7, 5) != space.draw(8, 5)
    assert space.draw(7, 5) != space.draw(7, 6)


def test_a_whole_number_may_be_either_end() -> None:
    span = Span(2, 3, is_whole=True)
    assert [span.at(share) for share in (0.0, 0.49, 0.5, 0.999)] == [2, 2, 3, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch = 16", "has no table [search]"),
        ("[search]", "has no table [search]"),
        ("search = 3", "has no table [search]"),
        ("[search]\nlearning_rte = [1, 2]", "no value 'learning_rte'; did you mean learning_rate?"),
        ("[search]\nbatch = 16", "batch must be a list of values or a range such as {low = 1, high = 2}, got 16"),
        ('[search]\nmodel = "eff"', "model must be a list of networks"),
        ("[search]\nmodel = {low = 1, high = 2}", "model must be a list of networks"),
        ('[search]\nmodel = ["eff", "resnet"]', "model must be a network"),
        ("[search]\nbatch = [16]", "batch must be two or more different values"),
        ("[search]\nbatch = [16, 32, 16]", "batch must be two or more different values"),
        ('[search]\nbatch = [16, "x"]', "batch must be a whole number from 1 to 4096, got 'x'"),
        ("[search]\nbatch = {low = 16}", "batch must be a range with low, high"),
        ("[search]\nbatch = {low = 16, high = 32, step = 2}", "batch must be a range with low, high"),
        ("[search]\nbatch = {low = 16, high = 32, log = 1}", "batch must be a range with low, high"),
        ("[search]\nbatch = {low = 16, high = 32.5}", "batch must be a whole number"),
        ("[search]\nbatch = {low = 16, high = 99999}", "batch must be a whole number from 1 to 4096, got 99999"),
        ("[search]\nlearning_rate = {low = 0.01, high = 0.001}", "empty: low 0.01 is not below high 0.001"),
        ("[search]\nbatch = {low = 16, high = 16}", "empty: low 16 is not below high 16"),
        ("[search]\nhead_dropout = {low = 0, high = 0.5, log = true}", "low must be above 0, got 0"),
        ("[search]\nother_hood = {low = false, high = true}", "takes a list of values"),
        ("[search]\nhorizon_rows = {low = [1, 2], high = [2, 3]}", "takes a list of values"),
        ('[search]\nsteps = {low = "none", high = 30}', "'none' ends no range"),
        ('[search]\ntrials = [[["lake", false, 9]], [["lake", true, 9]]]', "trials decides how trials are judged"),
        ("[search]\nsmooth_s = [0.1, 0.5]", "smooth_s decides how trials are judged"),
        ("[search]\ndriven_checkpoints = [1, 2]", "driven_checkpoints changes nothing in a trial"),
        ("batch = 16\n[search]\nbatch = [16, 32]", "batch is fixed above and searched in [search]"),
        ('model = "eff"\n[search]\nmodel = ["eff", "eff-tiny"]', "model is fixed above and searched"),
        ("brightness_low = 5\n[search]\nbatch = [16, 32]", "brightness_low 5 is above brightness_high"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(RecipeError) as error:
        read_space(tmp_path / "space.toml")
    assert message in str(error.value)
