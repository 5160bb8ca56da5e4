"""The finished runs of the study, read from their folders and put together by network and recipe."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from models.classifiers import TASKS
from models.cost import cost
from training.run_folder import RunError
from training.study.run import read_result


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """One run: what it was asked, what came out, and the share of wrong test answers after each epoch."""

    folder: Path
    settings: dict[str, Any]
    result: dict[str, Any]
    test_errors: list[float]


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one network, recipe and optimizer that differ in their seeds."""

    task: str
    model: str
    recipe: str
    optimizer: str
    epochs: int
    runs: tuple[FinishedRun, ...]

    def accuracy(self, part: str = "test") -> str:
        """`99.31 ± 0.04`: mean and standard deviation over seeds in percent, of one seed without the latter."""
        values = [100 * run.result[f"{part}_accuracy"] for run in self.runs]
        text = f"{fmean(values):.2f}"
        return text if len(values) == 1 else f"{text} ± {stdev(values):.2f}"

    def way(self) -> str:
        """How they were trained: `ours, muon, 15 epochs`."""
        return f"{self.recipe}, {self.optimizer}, {self.epochs} epochs"

    @property
    def multiply_accumulates(self) -> int:
        """Of one image."""
        return multiply_accumulates(self.task, self.model)

    @property
    def mean_accuracy(self) -> float:
        """Of the test images, 0 to 1."""
        return fmean(run.result["test_accuracy"] for run in self.runs)

    @property
    def seconds(self) -> float:
        """The fastest run's median epoch: the others waited longer for other programs."""
        return min(float(run.result["seconds_an_epoch"]) for run in self.runs)

    @property
    def precision(self) -> str:
        """Of the arithmetic, as the settings name it."""
        return ", ".join(sorted({str(run.settings["precision"]) for run in self.runs}))


def read_runs(folder: Path) -> list[FinishedRun]:
    """Every finished run in `folder`, by name. Raises RunError for one with damaged files."""
    return [_read(each.parent) for each in sorted(folder.glob("*/result.json"))]


def _read(folder: Path) -> FinishedRun:
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
    return FinishedRun(folder, settings, result, errors)


def grouped(runs: Sequence[FinishedRun], task: str) -> list[Group]:
    """The runs of one task that share a network, a recipe, its optimizer and epochs, in the order of their folders."""
    found: dict[tuple[str, str, str, int], list[FinishedRun]] = {}
    for run in runs:
        if run.settings["task"] == task:
            names = run.settings["model"], run.settings["recipe_name"], run.settings["recipe"]["optimizer"]
            found.setdefault((*names, int(run.result["epochs"])), []).append(run)
    return [Group(task, *key, tuple(each)) for key, each in found.items()]


def trained_alike(groups: Sequence[Group]) -> list[list[Group]]:
    """Each set of two or more groups of which only the network differs: the cheapest first, the largest set first."""
    contests: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda group: group.multiply_accumulates):
        contests.setdefault(group.way(), []).append(group)
    return sorted((contest for contest in contests.values() if len(contest) > 1), key=len, reverse=True)


def beaten_by(group: Group, rivals: Sequence[Group]) -> list[str]:
    """The models of `rivals` that answer more test images rightly than `group` and multiply no more often."""
    return [
        rival.model
        for rival in rivals
        if rival.multiply_accumulates <= group.multiply_accumulates and rival.mean_accuracy > group.mean_accuracy
    ]


@functools.cache
def multiply_accumulates(task: str, model: str) -> int:
    """Of one image through a network of models.classifiers."""
    return cost(TASKS[task].networks[model]()).multiply_accumulates
