"""A step of the study's trainings: with the layers that TensorFlow runs faster, and with Keras' own, in one run.

Each network is built, compiled and fed as `training.study` does it, on images at random; both sides take turns. An
epoch is its steps times the median step; the 10,000 test images and moving the images about are not in it.

On 2 cores of an AMD EPYC without AVX-512, idle, 26 November 2026, float32, seconds of an epoch's steps by Keras' layers
and by the faster ones: cifar10-effnet 63.4 and 47.4 (1.34 times as fast), cifar10-mobilenet 39.7 and 26.2 (1.52),
cifar10-shufflenet 154.4 and 30.1 (5.12), all with Adam; digits-eff, with Muon, has no such layer: 14.3 in both.
Whole epochs of `training.study` there, by its epochs.csv: digits eff 19.4 to 21.4 s, cifar10 effnet 71 to 90 s.

With AVX-512, beside two trainings, the same day: dropout, which only the origin's recipe has much of, makes
digits-baseline 1.32 and digits-eff 1.23 times as fast with `--recipe origin`, in float32.

    python -m benchmarks.study
    python -m benchmarks.study digits-baseline digits-eff --recipe origin
    python -m benchmarks.study cifar10-effnet --optimizer adam --steps 100
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `training` does, but TensorFlow is imported before it here

import keras
import numpy as np
from tqdm import tqdm

from models.classifiers import TASKS
from training.run.fast_layers import with_fast_layers
from training.study.recipes import OPTIMIZERS, StudyRecipe, recipe_of
from training.study.run import StudySettings
from training.study.train import CLASSES, build, compile_for, one_hot

IMAGES = {"digits": 60_000, "cifar10": 50_000}
NETWORKS = [f"{task}-{model}" for task in IMAGES for model in TASKS[task].networks]
USUAL = ["digits-eff", "cifar10-effnet", "cifar10-mobilenet", "cifar10-shufflenet"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("networks", nargs="*", default=USUAL, metavar="TASK-MODEL", help=f"({' '.join(USUAL)})")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="(the recipe's)")
    parser.add_argument("--recipe", choices=("ours", "origin"), default="ours", help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=40, help="of each side (%(default)s)")
    options = parser.parse_args()
    for name in options.networks:
        if name not in NETWORKS:
            parser.error(f"expected one of {', '.join(NETWORKS)}, got {name!r}")
    for name in options.networks:
        task, _, model = name.partition("-")
        recipe = recipe_of(task, model, options.recipe)
        measure(task, model, replace(recipe, optimizer=options.optimizer or recipe.optimizer), options.steps)


def measure(task: str, model: str, recipe: StudyRecipe, steps: int) -> None:
    """One line for each side."""
    settings = StudySettings(task, model, "ours", 1, "float32", "", recipe)
    own = build(settings, "float32")
    fast = with_fast_layers(own)
    sides = {"Keras' layers": step_of(own, recipe), "faster layers": step_of(fast, recipe)}
    random = np.random.default_rng(0)
    shape = (recipe.batch, *TASKS[task].shape)
    images = random.integers(0, 256, shape, np.uint8)
    labels = one_hot(random.integers(0, CLASSES, recipe.batch))
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for number in tqdm(range(-3, steps), unit=" steps", desc=f"{task}-{model}", leave=False):
        for side, step in sides.items():
            start = time.perf_counter()
            step(images, labels)
            if number >= 0:
                seconds[side].append(time.perf_counter() - start)
    print(f"{task}-{model}, {recipe.optimizer}, batches of {recipe.batch}")
    before = float(np.median(seconds["Keras' layers"]))
    for side, took in seconds.items():
        median, p99 = float(np.median(took)), float(np.percentile(took, 99))
        epoch = median * (IMAGES[task] // recipe.batch)
        print(
            f"  {side}: {median * 1000:.1f} ms a step (p99 {p99 * 1000:.1f}), {epoch:.1f} s the steps of an epoch,"
            f" {before / median:.2f} times as fast",
            flush=True,
        )


def step_of(network: keras.Model, recipe: StudyRecipe) -> Callable[[np.ndarray, np.ndarray], object]:
    """One step of training: uint8 images (n, h, w, c), float32 labels (n, 10)."""
    compile_for(network, recipe, 1000)
    return network.train_on_batch


if __name__ == "__main__":
    main()
