"""Measure images a second of the compiled training step; `benchmarks.gpu` runs it and reads a line of JSON a variant.

    python -m benchmarks.gpu.steps RECORDING FOLDER '[{"model": "eff", "batch": 32, "form": "grouped"}]'

The images' numbers and variations are ready beforehand, as training prepares them beside the steps.
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import run_benchmark
from benchmarks.gpu.plan import Variant
from protocol.command_line import command_parser
from training.run.backend import choose_backend

if TYPE_CHECKING:
    from training.run.steps.learner import Learner, Steps


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gpu.steps", __doc__)
    parser.add_argument("recording", type=Path, help="folder of a recording")
    parser.add_argument("folder", type=Path, help="folder for decoded images")
    parser.add_argument("variants", type=json.loads, help="fields of benchmarks.gpu.plan.Variant, as JSON")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each variant (default: %(default)s)")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> None:
    """Print a line for each variant, as soon as it is measured."""
    choose_backend()
    import keras  # noqa: PLC0415 - after the choice of its backend

    from inference.devices import device_of  # noqa: PLC0415

    backend = keras.backend.backend()
    place = {"backend": backend, "device": device_of(backend)}
    for fields in options.variants:
        start_s = time.perf_counter()
        learn, images = ready_step(Variant(**fields), options.recording, options.folder)
        ready_s = time.perf_counter() - start_s
        images_s = rate(learn, images, options.seconds)
        print(json.dumps({"variant": fields, "images_s": images_s, "ready_s": ready_s, **place}), flush=True)


def ready_step(variant: Variant, recording: Path, folder: Path) -> tuple[Callable[[], object], int]:
    """Compile a variant's step and learn once; returns what repeats it, and how many images that learns."""
    learner, steps = new_learner(variant, recording, folder)
    count, prepared = learner.at_once, learner.prepare(steps)
    learner.learn(prepared, count)
    return lambda: learner.learn(prepared, count), count * variant.batch


def new_learner(variant: Variant, recording: Path, folder: Path, seed: int = 1) -> tuple[Learner, Steps]:
    """A new network's learner, and as many steps of the recording as it takes at once."""
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    from training.data.images import TrainingImages  # noqa: PLC0415
    from training.data.samples import draw_epoch, load_drives  # noqa: PLC0415
    from training.run.fast_layers import with_fast_layers  # noqa: PLC0415
    from training.run.network import WeightAverage, build  # noqa: PLC0415
    from training.run.recipe import Recipe  # noqa: PLC0415
    from training.run.steps.epoch import cut_epoch  # noqa: PLC0415
    from training.run.steps.learner import LearnerSetup, open_learner  # noqa: PLC0415

    recipe = Recipe(batch=variant.batch)
    keras.utils.set_random_seed(seed)
    drives = load_drives([recording], recipe, None, 1)
    model = build(variant.model, recipe, variant.precision)
    network = with_fast_layers(model.network) if variant.form == "shifted" else model.network
    network.compile(keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay))
    network.optimizer.build(network.trainable_variables)
    average = WeightAverage(network, recipe.average_horizon_steps)
    images = TrainingImages(drives, folder, model.rows, recipe, seed)
    setup = LearnerSetup(network, average, images.crops, images.hoods, model.rows[1] - model.rows[0])
    learner = open_learner(setup if variant.augmented else setup._replace(variation=as_they_are))
    count = learner.at_once
    numbers, variations, steering = images.vary(draw_epoch(drives, replace(recipe, steps=count), seed, 0), 0)
    rates = np.full(count, recipe.learning_rate, np.float32)
    ((steps, _),) = cut_epoch(numbers, variations, steering, rates, average.shares(count), variant.batch, count)
    return learner, steps


def as_they_are(crops: Any, variations: Any, hoods: Any, rows: int) -> Any:
    """Stand in for `augment`, so that the rest of a step is measured alone: as many rows, and no variation."""
    return crops[:, :rows]


def rate(learn: Callable[[], object], images: int, seconds: float) -> float:
    """Images a second of calls that learn so many images."""
    calls, start_s = 0, time.perf_counter()
    while (passed_s := time.perf_counter() - start_s) < seconds or not calls:
        learn()
        calls += 1
    return calls * images / passed_s


if __name__ == "__main__":
    sys.exit(main())
