"""Small images, settings and archives for the study's tests."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.classifiers import TASKS
from training.study.datasets import Dataset
from training.study.recipes import OUR_CIFAR, OUR_DIGITS
from training.study.run import StudySettings

TINY = replace(OUR_DIGITS, epochs=2, batch=30)


COUNT = {"digits": 120, "cifar10": 40}
"""So many images suffice: the networks for CIFAR-10 are larger, and only need to run."""


def bar_images(task: str = "digits", count: int | None = None, seed: int = 0) -> Dataset:
    """Each class a bright bar at its own height, in noise."""
    count = count or COUNT[task]
    rows, columns, colours = TASKS[task].shape
    random = np.random.default_rng(seed)
    images = random.integers(0, 40, (count, rows, columns, colours)).astype(np.uint8)
    labels = np.arange(count) % 10
    for image, label in zip(images, labels, strict=True):
        image[2 + 2 * label : 4 + 2 * label, 4:-4] = 220
    return Dataset(images, labels, images[:50], labels[:50])


def settings(task: str = "digits", model: str = "eff", seed: int = 1, **recipe: object) -> StudySettings:
    """Settings of a short training with `bar_images`. recipe: fields of StudyRecipe that differ."""
    base = TINY if task == "digits" else replace(OUR_CIFAR, epochs=1, batch=30)
    return StudySettings(task, model, "ours", seed, "float32", bar_images(task).digest(), replace(base, **recipe))


def save_archive(data: Dataset, path: Path) -> Path:
    """Write the images as `--data` reads them."""
    np.savez(path, x_train=data.x_train, y_train=data.y_train, x_test=data.x_test, y_test=data.y_test)
    return path
