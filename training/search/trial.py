"""A trial, as Ray Tune runs it: a training of this project that is judged after each epoch, and ends when ASHA says so.

What was recorded before is reported first, without learning, so that a search goes on where it was stopped.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.command_line import plain
from training.search.plan import PlannedTrial, Row

if TYPE_CHECKING:
    from training.run.train import Training
    from training.search.score import Score

THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""These variables tell the libraries of a process how many cores they may use."""


def run_trial(config: Mapping[str, Any], plans: Mapping[int, PlannedTrial], crops: Path, cores: int) -> None:
    """Run the trial of config["number"], in a process of Ray. crops: as of `go_on`; cores: how many it may use."""
    from ray import tune  # noqa: PLC0415 - only trials need it

    os.environ.update(dict.fromkeys(THREADS, str(cores)))
    go_on(plans[config["number"]], crops, tune.report)


def go_on(plan: PlannedTrial, crops: Path, report: Callable[[Mapping[str, Any]], None]) -> None:
    """Report what is recorded of a trial, then learn and report the rest. Raises as `train` does.

    crops: a folder for decoded images, of all trials. report: is told each row, with `is_recorded` besides; it does not
    return if ASHA ends the trial.
    """
    is_over = plan.is_finished or plan.is_stopped
    for row in plan.rows():
        if is_over or row["epoch"] < plan.epochs:
            report({**row, "is_recorded": True})
    if is_over:
        return
    plan.forget_failure()
    try:
        _learn(plan, crops, report)
    except Exception as error:
        plan.record_failure(plain(error))
        raise


def _learn(plan: PlannedTrial, crops: Path, report: Callable[[Mapping[str, Any]], None]) -> None:
    from training.run.backend import choose_backend  # noqa: PLC0415 - what was recorded needs no Keras

    choose_backend()
    from training.run.run import TrainingSettings  # noqa: PLC0415
    from training.run.train import train  # noqa: PLC0415

    rows, last_s = plan.rows(), time.monotonic()

    def watch(training: Training) -> None:
        nonlocal last_s
        if training.finished_epochs > (rows[-1]["epoch"] if rows else 0):
            score, now_s = judged(training), time.monotonic()
            rows.append(_row(training, score, now_s - last_s))
            last_s = now_s
            plan.record(rows)
            if training.finished_epochs < plan.epochs:
                report({**rows[-1], "is_recorded": False})

    train(TrainingSettings(**plan.settings), plan.folder, plan.model_file, crops, watch)
    if rows[-1]["epoch"] == plan.epochs:  # after the model is written, because ASHA may end the trial now
        report({**rows[-1], "is_recorded": False})


def _row(training: Training, score: Score, seconds: float) -> Row:
    return {
        "epoch": training.finished_epochs,
        "images": training.average.updates * training.recipe.batch,
        "score": score.value,
        "offset_m": score.offset_m,
        "off_road_per_km": score.off_road_per_km,
        "correlation": score.correlation,
        "seconds": seconds,
    }


def judged(training: Training) -> Score:
    """Let the averaged weights drive the recipe's trials; returns their score."""
    from training.judge.choose import driver_of, replay_lines, trial_drives  # noqa: PLC0415 - they need Keras
    from training.search.score import WORST, Score, agreement_of  # noqa: PLC0415

    history, recipe = training.store.history, training.recipe
    if not math.isfinite(history[-1]["loss"]):
        return Score(WORST, 0.0, 0.0)
    lines = replay_lines([Path(name) for name in training.settings.recordings]) if recipe.replays else []
    policy = driver_of(training.averaged_model().whole, training.store.folder)
    driving = trial_drives(policy, f"epoch {training.finished_epochs} drives", recipe.trials, lines)
    return Score.of(driving, agreement_of(history))
