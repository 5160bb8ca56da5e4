"""Ray Tune runs the trials: its scheduler ASHA ends those that score worse than half of the others, early.

Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", arXiv 1810.05934.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from tqdm import tqdm

from training.search.plan import STOPPED, PlannedTrial
from training.search.trial import run_trial

HALVING = 2
"""At each rung one trial in so many goes on; the next rung is after so many times as many images."""

RUNG_SHARE = 0.9
"""The first rung is after this share of an epoch: epochs of other recipes may have a few images less."""

RESTARTS = 3
"""A trial whose process or computer died is begun again so often; it goes on from its last epoch."""

ENVIRONMENT = {
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""Ctrl-C is the command's own, and the trials' folders hold all that Tune's loggers would write again."""


def tune_trials(plans: Sequence[PlannedTrial], epoch_images: int, crops: Path, cores: int, folder: Path) -> None:
    """Run or resume trials on the cluster that `ray_cluster` has joined.

    epoch_images: those of an epoch of the space's start; crops, cores: as of `run_trial`; folder: for Tune's files,
    which are deleted in the end.
    """
    os.environ.update(ENVIRONMENT)
    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    by_number = {plan.number: plan for plan in plans}
    watch = _Watch(by_number)
    trial = tune.with_parameters(run_trial, plans=by_number, crops=crops, cores=cores)
    scheduler = ASHAScheduler(
        time_attr="images",
        max_t=1 << 60,
        grace_period=max(1, round(RUNG_SHARE * epoch_images)),
        reduction_factor=HALVING,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of changes that Ray plans
        tuner = tune.Tuner(
            tune.with_resources(trial, {"cpu": 1, "gpu": gpus}),
            param_space={"number": tune.grid_search(list(by_number))},
            tune_config=tune.TuneConfig(metric="score", mode="min", scheduler=scheduler),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(folder.absolute()),
                failure_config=tune.FailureConfig(max_failures=RESTARTS),
                callbacks=[watch],
                verbose=0,
            ),
        )
        try:
            tuner.fit()
        finally:
            watch.close()
            shutil.rmtree(folder, ignore_errors=True)


class _Watch(tune.Callback):
    """Shows how the trials go, and marks those that ASHA has stopped."""

    def __init__(self, plans: dict[int, PlannedTrial]) -> None:
        self._plans = plans
        self._bar: tqdm[Any] | None = None

    def setup(self, **_: Any) -> None:
        self._bar = tqdm(total=len(self._plans), unit=" trial", desc="search")

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        if not result.get("is_recorded", True):
            self._say(
                f"trial {trial.config['number']}, epoch {result['epoch']:.0f}, {result['images']:,.0f} images:"
                f" score {result['score']:.3f} ({result['offset_m']:.2f} m from the middle,"
                f" {result['off_road_per_km']:.2f} times off the road a km, correlation {result['correlation']:.2f})"
            )

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        plan = self._plans[trial.config["number"]]
        if not plan.is_finished:
            (plan.folder / STOPPED).touch()
        self._say(f"trial {plan.number} {'has learned all' if plan.is_finished else 'was stopped'}", 1)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        plan = self._plans[trial.config["number"]]
        self._say(f"trial {plan.number} failed: {plan.failure() or 'its process died'}", 1)

    def close(self) -> None:
        """Leave the bar as it is; the next line begins below it."""
        if self._bar is not None:
            self._bar.close()

    def _say(self, line: str, ended_trials: int = 0) -> None:
        if self._bar is not None:
            self._bar.write(line, sys.stderr)
            self._bar.update(ended_trials)
