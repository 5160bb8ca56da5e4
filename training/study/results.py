"""Finished runs of the study are read from their folders and grouped by network and recipe."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from models.classifiers import TASKS
from models.cost import cost
from training.run.run_folder import RunError
from training.study.run import read_result


@dataclass(frozen=True, slots=True)
class FinishedStudyRun:
    """One run: its settings, its result, and the share of wrong test answers after each epoch."""

    folder: Path
    settings: dict[str, Any]
    result: dict[str, Any]
    test_errors: list[float]


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one network, recipe and optimizer that differ only in their seeds."""

    task: str
    model: str
    recipe: str
    optimizer: str
    epochs: int
    runs: tuple[FinishedStudyRun, ...]

    def accuracy(self, part: str = "test") -> str:
        """Format mean and standard deviation over seeds in percent, as `99.31 ± 0.04`; one seed has no deviation."""
        values = [100 * run.result[f"{part}_accuracy"] for run in self.runs]
        text = f"{fmean(values):.2f}"
        return text if len(values) == 1 else f"{text} ± {stdev(values):.2f}"

    def way(self) -> str:
        """Describe how the runs were trained, such as `ours, muon, 15 epochs`."""
        return f"{self.recipe}, {self.optimizer}, {self.epochs} epochs"

    @property
    def multiply_accumulates(self) -> int:
        """The multiply-accumulates of one image."""
        return network_size(self.task, self.model)[1]

    @property
    def mean_accuracy(self) -> float:
        """The mean accuracy on the test images, 0 to 1."""
        return fmean(run.result["test_accuracy"] for run in self.runs)

    @property
    def seconds(self) -> float:
        """The fastest run's median seconds an epoch; other runs waited longer for other programs."""
        return min(float(run.result["seconds_an_epoch"]) for run in self.runs)

    @property
    def precision(self) -> str:
        """The precision of the arithmetic, as in the settings."""
        return ", ".join(sorted({str(run.settings["precision"]) for run in self.runs}))


def read_runs(folder: Path) -> list[FinishedStudyRun]:
    """Read every finished run in `folder`, by name. Raises RunError for one with damaged files."""
    return [_read(path.parent) for path in sorted(folder.glob("*/result.json"))]


def _read(folder: Path) -> FinishedStudyRun:
    result = read_result(folder)
    try:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        with (folder / "epochs.csv").open(encoding="utf-8", newline="") as file:
            errors = [1 - float(row["test_accuracy"]) for row in csv.DictReader(file)]
        names = ("task", "model", "recipe_name", "precision")
        if not errors or any(not isinstance(settings[name], str) for name in names):
            raise ValueError("not the settings and epochs of a run")
        if not isinstance(settings["recipe"]["optimizer"], str):
            raise ValueError("no optimizer in its recipe")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder} is damaged: {error}") from None
    return FinishedStudyRun(folder, settings, result, errors)


def group_runs(runs: Sequence[FinishedStudyRun], task: str) -> list[Group]:
    """Group one task's runs by network, recipe, optimizer and epochs, in the order of their folders."""
    groups: dict[tuple[str, str, str, int], list[FinishedStudyRun]] = {}
    for run in runs:
        if run.settings["task"] == task:
            names = run.settings["model"], run.settings["recipe_name"], run.settings["recipe"]["optimizer"]
            groups.setdefault((*names, int(run.result["epochs"])), []).append(run)
    return [Group(task, *key, tuple(members)) for key, members in groups.items()]


def comparable_groups(groups: Sequence[Group]) -> list[list[Group]]:
    """Collect sets of two or more groups that differ only in the network: largest set first, cheapest group first."""
    contests: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda group: group.multiply_accumulates):
        contests.setdefault(group.way(), []).append(group)
    return sorted((contest for contest in contests.values() if len(contest) > 1), key=len, reverse=True)


def better_rivals(group: Group, rivals: Sequence[Group]) -> list[str]:
    """List the models of `rivals` that are more accurate on test images than `group` at no higher cost."""
    return [
        rival.model
        for rival in rivals
        if rival.multiply_accumulates <= group.multiply_accumulates and rival.mean_accuracy > group.mean_accuracy
    ]


@functools.cache
def network_size(task: str, model: str) -> tuple[int, int]:
    """Trainable parameters of a network of models.classifiers, and multiply-accumulates of one image through it."""
    network = TASKS[task].networks[model]()
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return trainable, cost(network).multiply_accumulates
