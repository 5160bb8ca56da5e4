"""The trainings that one command names: one by one with a progress bar each, or as jobs.

A process of a pool imports this module before it chooses its backend, so only functions import Keras.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from training.jobs.jobs import Job
from training.jobs.ray_files import hashes
from training.jobs.runner import joined_cluster
from training.jobs.trainings import are_jobs, trained
from training.run.backend import take_backend
from training.study.recipes import StudyRecipe, recipe_of

if TYPE_CHECKING:
    from training.study.run import StudySettings

    Plan = dict[Path, StudySettings]
    """The settings of each training, by its run folder."""


def train_all(options: argparse.Namespace, runs: Path) -> int:
    """Train, or resume, what the options name, and print each result; returns how many trainings have failed.

    options.library: the backend of Keras, None for what suits each computer. runs: where the run folders lie that have
    no name of their own. Raises ValueError, OSError, ClusterError.
    """
    from training.study.datasets import load  # noqa: PLC0415
    from training.study.train import train  # noqa: PLC0415

    recipes = {model: _recipe(model, options) for model in options.model}  # a wrong name must not wait for the images
    data = load(options.task, options.data)
    plan = _plan(options, recipes, runs, data.digest())
    unfinished = {folder: settings for folder, settings in plan.items() if not (folder / "result.json").exists()}
    by_jobs = unfinished if are_jobs(options) else {}
    count = 0
    for folder, settings in plan.items():
        if folder not in by_jobs:
            print(f"run folder: {folder}")
            _report(train(settings, data, folder), folder)
            count += 1
    if by_jobs:
        for folder, result in _by_jobs(by_jobs, options, runs):
            with tqdm.external_write_mode():
                print(f"run folder: {folder}")
                _report(result, folder)
            count += 1
    return len(plan) - count


def _recipe(model: str, options: argparse.Namespace) -> StudyRecipe:
    recipe = recipe_of(options.task, model, options.recipe)
    return replace(recipe, epochs=options.epochs or recipe.epochs, optimizer=options.optimizer or recipe.optimizer)


def _plan(options: argparse.Namespace, recipes: Mapping[str, StudyRecipe], runs: Path, digest: str) -> Plan:
    from training.study.run import StudySettings  # noqa: PLC0415

    plan: Plan = {}
    for (model, recipe), seed in product(recipes.items(), dict.fromkeys(options.seed)):
        settings = StudySettings(options.task, model, options.recipe, seed, options.precision, digest, recipe)
        folder = options.run or runs / "-".join([settings.name(), *filter(None, [options.optimizer])])
        plan[folder] = settings
    return plan


def _by_jobs(plan: Plan, options: argparse.Namespace, runs: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Train, and yield each folder and result."""
    from keras import backend  # noqa: PLC0415

    data = str(options.data.resolve()) if options.data else None
    folders = {folder.name: folder for folder in plan}
    common = {"data": data, "library": options.library}
    jobs = [
        Job(folder.name, {"settings": asdict(settings), **common}, folder.name, folder=folder)
        for folder, settings in plan.items()
    ]
    files = hashes([data] if data else [])
    parent = options.run.parent if options.run else runs
    with joined_cluster(options):
        for outcome in trained(options, jobs, f"{__name__}:train_job", backend.backend(), files, parent):
            if outcome.result is not None:
                yield folders[outcome.job.key], outcome.result


def train_job(argument: dict[str, Any]) -> dict[str, Any]:
    """A process of a pool: train, or resume what the folder contains. Raises ValueError, OSError.

    argument: `settings`, the fields of StudySettings; `data`, the file of the images, None for Keras' own; `folder`,
    the run's; `library`, as `take_backend` takes it. Returns the result.
    """
    take_backend(argument["library"])
    from training.study.datasets import DatasetError, load  # noqa: PLC0415
    from training.study.run import StudySettings  # noqa: PLC0415
    from training.study.train import train  # noqa: PLC0415

    values = argument["settings"]
    settings = StudySettings(**{**values, "recipe": StudyRecipe(**values["recipe"])})
    data = load(settings.task, Path(argument["data"]) if argument["data"] else None)
    if data.digest() != settings.data:
        raise DatasetError(f"this computer has other images of {settings.task} than the one with the command")
    return train(settings, data, Path(argument["folder"]))


def _report(result: dict[str, Any], folder: Path) -> None:
    file = folder / "model.h5"
    print(
        f"{result['test_accuracy']:.2%} of {result['test_images']:,} test images right after {result['epochs']} epochs"
        f" ({result['seconds_an_epoch']:.1f} s each);",
        f"its model is {file}" if file.exists() else "its model is not kept; --run NEW_FOLDER trains it anew",
    )
