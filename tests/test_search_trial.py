"""A trial that was stopped goes on where it was: what is recorded is reported, and only the rest is learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from models.card import read_card
from simulator.world.course import judged_world
from training.__main__ import parse, training_settings
from training.search.plan import STOPPED, plan_trials
from training.search.space import read_space
from training.search.trial import go_on

SPACE = """
model = "effnet-2x8"
recipe = "quick"
epochs = 2
refit_epochs = 0
steps = 4
batch = 8
average_horizon_steps = 3

[search]
learning_rate = {low = 3e-4, high = 3e-3, log = true}
"""


SHARE = 0.05
"""The trials drive this share of a lap."""


class StoppedTrial(BaseException):
    """As Ray ends a trial that reports."""


@pytest.mark.slow
def test_a_trial_goes_on_where_it_was_stopped(
    make_recording: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = lambda track, scene, laps: judged_world(track, scene, laps * SHARE)  # noqa: E731
    monkeypatch.setattr("training.judge.choose.judged_world", short)
    (tmp_path / "space.toml").write_text(SPACE)
    base = training_settings(parse([str(make_recording(rows=100)), "--quick", "--precision", "float32"]))
    plan = plan_trials(read_space(tmp_path / "space.toml"), 2, base, tmp_path / "trials")[1]
    crops, reports = tmp_path / "crops", list[Mapping[str, Any]]()

    def stop(row: Mapping[str, Any]) -> None:
        raise StoppedTrial

    with pytest.raises(StoppedTrial):
        go_on(plan, crops, stop)
    (first,) = plan.rows()
    assert (first["epoch"], first["images"]) == (1, 32)
    assert not plan.is_finished

    go_on(plan, crops, reports.append)
    _, second = rows = plan.rows()
    assert (second["epoch"], second["images"]) == (2, 64)
    assert reports == [{**first, "is_recorded": True}, {**second, "is_recorded": False}]
    assert plan.is_finished
    assert read_card(plan.model_file).model == "effnet-2x8"
    assert plan.failure() == ""

    plan.record(rows[:1])  # as if it had been killed before the last epoch was judged
    plan.model_file.with_suffix(".json").unlink()
    checkpoint = (plan.folder / "checkpoint.npz").read_bytes()
    go_on(plan, crops, reports.append)
    assert (plan.folder / "checkpoint.npz").read_bytes() == checkpoint, "nothing is learned again"
    assert plan.rows()[1]["score"] == pytest.approx(second["score"], abs=1e-3)
    assert plan.is_finished

    reports.clear()
    go_on(plan, crops, reports.append)
    assert [row["is_recorded"] for row in reports] == [True, True]


@pytest.mark.slow
def test_a_trial_says_why_it_failed_and_one_that_was_stopped_stays_so(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(SPACE)
    base = training_settings(parse([str(tmp_path / "gone"), "--quick"]))
    plan, other = plan_trials(read_space(tmp_path / "space.toml"), 2, base, tmp_path / "trials")
    with pytest.raises(ValueError, match="gone"):
        go_on(plan, tmp_path / "crops", print)
    assert "gone" in plan.failure()
    other.folder.mkdir()
    (other.folder / STOPPED).touch()
    go_on(other, tmp_path / "crops", print)
    assert other.failure() == ""
