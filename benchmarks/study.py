"""Measure a step of the study's trainings, with the layers that TensorFlow runs with_fast_layers and with Keras' own.

Each network is built, compiled and fed as in `training.study`, with random images, and both sides take turns. The time
of an epoch is its number of steps times the median step. It excludes the 10,000 test images and the augmentation.

    python -m benchmarks.study
    python -m benchmarks.study digits-baseline digits-eff --recipe origin
    python -m benchmarks.study cifar10-effnet --optimizer adam --steps 100
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.command import run_benchmark
from protocol.command_line import command_parser

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_networks(_parse(arguments)))


def network_name(text: str) -> str:
    """One of NETWORKS, for add_argument. Raises ArgumentTypeError."""
    if text not in NETWORKS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(NETWORKS)}, got {text!r}")
    return text


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.study", __doc__)
    parser.add_argument(
        "networks",
        nargs="*",
        type=network_name,
        default=USUAL,
        metavar="TASK-MODEL",
        help=f"(default: {' '.join(USUAL)})",
    )
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="(default: the recipe's)")
    parser.add_argument("--recipe", choices=("ours", "origin"), default="ours", help="(default %(default)s)")
    parser.add_argument("--steps", type=int, default=40, help="steps of each side (default %(default)s)")
    return parser.parse_args(arguments)


def measure_networks(options: argparse.Namespace) -> None:
    """Measure and print."""
    for name in options.networks:
        task, _, model = name.partition("-")
        recipe = recipe_of(task, model, options.recipe)
        measure(task, model, replace(recipe, optimizer=options.optimizer or recipe.optimizer), options.steps)


def measure(task: str, model: str, recipe: StudyRecipe, steps: int) -> None:
    """Time the steps of one network, and print a line for each side."""
    settings = StudySettings(task, model, "ours", 1, "float32", "", recipe)
    keras_network = build(settings, "float32")
    fast_network = with_fast_layers(keras_network)
    sides = {"Keras' layers": step_of(keras_network, recipe), "faster layers": step_of(fast_network, recipe)}
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
    keras_median = float(np.median(seconds["Keras' layers"]))
    for side, durations in seconds.items():
        median, p99 = float(np.median(durations)), float(np.percentile(durations, 99))
        epoch = median * (IMAGES[task] // recipe.batch)
        print(
            f"  {side}: {median * 1000:.1f} ms a step (p99 {p99 * 1000:.1f}), {epoch:.1f} s for the steps of an epoch,"
            f" {keras_median / median:.2f} times as fast",
            flush=True,
        )


def step_of(network: keras.Model, recipe: StudyRecipe) -> Callable[[np.ndarray, np.ndarray], object]:
    """Compile the network; returns its training step on uint8 images (n, h, w, c) and float32 labels (n, 10)."""
    compile_for(network, recipe, 1000)
    return network.train_on_batch


if __name__ == "__main__":
    sys.exit(main())
