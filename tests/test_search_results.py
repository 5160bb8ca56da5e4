"""The score of drives, and what a search leaves: the best recipe, its card and two pictures."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from training.recipe_file import read_recipe
from training.run.recipe import QUICK
from training.search.plan import STOPPED, PlannedTrial, Row
from training.search.plots import draw_scores, draw_values
from training.search.results import ranked, table, write_best, write_card
from training.search.score import WORST, Score, agreement_of
from training.search.space import Space, read_space

TEXT = """
recipe = "quick"

[search]
learning_rate = {low = 3e-4, high = 3e-3, log = true}
steps = ["none", 100]
model = ["effnet-3x32", "effnet-4x32"]
straight_kept = {low = 0.1, high = 0.9}
"""


def row(epoch: int, score: float) -> Row:
    figures = {"offset_m": 0.25, "off_road_per_km": 0.5, "correlation": 0.6}
    return {"epoch": epoch, "images": 3200.0 * epoch, "score": score, **figures, "seconds": 10.5}


@pytest.fixture
def space(tmp_path: Path) -> Space:
    (tmp_path / "space.toml").write_text(TEXT)
    return read_space(tmp_path / "space.toml")


@pytest.fixture
def plans(space: Space, tmp_path: Path) -> list[PlannedTrial]:
    """Five trials: one learned all, two were stopped, one failed after an epoch and one at once."""
    plans = []
    for number in range(1, 6):
        values = space.draw(number, 3)
        folder = tmp_path / str(number)
        folder.mkdir()
        plans.append(PlannedTrial(number, values, folder, values["model"], {"seed": 2 + number}))
    for plan, scores in zip(plans, ([0.9, 0.5], [0.4], [4.0], [0.3], []), strict=True):
        if scores:
            plan.record([row(epoch, score) for epoch, score in enumerate(scores, 1)])
    plans[0].model_file.with_suffix(".json").write_text("{}")
    (plans[1].folder / STOPPED).touch()
    (plans[2].folder / STOPPED).touch()
    plans[3].record_failure("the disk is full")
    plans[4].record_failure("no such recording")
    return plans


def test_the_score_is_the_formula_of_the_docs() -> None:
    drives = {
        "lake, 25 mph": {"distance_m": 1500.0, "off_road_events": 2.0, "mean_cte_m": 0.2},
        "replay of friend": {"distance_m": 500.0, "off_road_events": 1.0, "mean_cte_m": 0.4},
    }
    score = Score.of(drives, 0.6)
    assert (score.offset_m, score.off_road_per_km) == pytest.approx((0.3, 1.5))
    assert score.value == pytest.approx(0.3 + 1.0 * 1.5 + 0.5 * (1 - 0.6))
    assert Score.of(drives, math.nan).value == pytest.approx(0.3 + 1.5 + 0.5), "a constant answer agrees with nobody"


def test_a_score_is_always_a_number() -> None:
    assert Score(WORST, 0.0, 0.0).value == WORST
    assert Score(math.nan, 0.0, 0.0).value == WORST
    still = {"lake": {"distance_m": 0.0, "off_road_events": 0.0, "mean_cte_m": 0.0}}
    assert Score.of(still, 1.0).value == WORST, "a car that stands keeps to the middle"


def test_agreement_is_the_last_that_was_measured() -> None:
    assert agreement_of([{"correlation": 0.3}, {"correlation": 0.4}, {"correlation": math.nan}]) == 0.4
    assert math.isnan(agreement_of([{"correlation": math.nan}]))


def test_trials_that_learned_all_come_first(plans: list[PlannedTrial]) -> None:
    results = ranked(plans)
    assert [result.plan.number for result in results] == [1, 4, 2, 3]
    assert [result.state for result in results] == ["learned all", "the disk is full", *["stopped early"] * 2]
    assert "(stopped early)" in table(results)
    assert "straight_kept none" in table(results), "the first trial has the values of the start"


def test_a_damaged_record_counts_as_none(plans: list[PlannedTrial]) -> None:
    for content in (b"[", b"{}", b"[3]", b'[{"epoch": 1}]', json.dumps([row(1, 0.5) | {"score": None}]).encode()):
        (plans[0].folder / "scores.json").write_bytes(content)
        assert plans[0].rows() == []
    assert plans[1].rows() == [row(1, 0.4)]


def test_the_best_recipe_is_what_training_takes(space: Space, plans: list[PlannedTrial], tmp_path: Path) -> None:
    results = ranked(plans)
    file = read_recipe(write_best(space, results, tmp_path))
    values = plans[0].values
    assert file.model == values["model"]
    assert file.recipe("eff") == replace(QUICK, learning_rate=values["learning_rate"], steps=values["steps"])
    write_card(space, plans, results, {"recordings": ["lake"], "seed": 3}, tmp_path / "best.json")
    card = json.loads((tmp_path / "best.json").read_text())
    assert card["space"] == TEXT
    assert (card["trials"], card["learned_all"], card["stopped_early"]) == (5, 1, 2)
    assert card["failed"] == {"4": "the disk is full", "5": "no such recording"}
    assert [fact["trial"] for fact in card["all"]] == [1, 2, 3, 4]
    first = card["best"][0]
    assert (first["trial"], first["seed"], first["scores"], first["seconds"]) == (1, 3, [0.9, 0.5], 21)
    assert first["values"]["learning_rate"] == values["learning_rate"]


@pytest.mark.slow
def test_the_pictures_show_every_trial(space: Space, plans: list[PlannedTrial], tmp_path: Path) -> None:
    draw_scores(ranked(plans), tmp_path / "scores.png")
    draw_values(space, ranked(plans), tmp_path / "values.png")
    for name in ("scores.png", "values.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width >= 600
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 50
