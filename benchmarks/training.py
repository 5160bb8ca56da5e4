"""Measure training samples a second: of this project's training, of its parts, and of a plain float32 Keras fit.

The bare network is `train_on_batch` of the same model and precision on one batch in memory: with Keras' own layers, and
with the faster layers that training uses. The images alone are an epoch that is drawn, read and augmented without a
network; each was decoded before. The plain fit is what a tutorial does: tf.data decodes and mirrors whole frames for
`model.fit`. All sides take turns, so that a drift of the machine's speed affects them alike; ratios are of medians
over rounds.

    python -m benchmarks.training
    python -m benchmarks.training --model baseline --precision float32
    KERAS_BACKEND=jax python -m benchmarks.training --batch 256 --steps 400
    git worktree add ../former efd21c5 && python -m benchmarks.training --former ../former

--former lets another checkout of this project train in turns with this one, in a process of its own.
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.command import run_benchmark
from protocol.command_line import command_parser, whole

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `training` does, but TensorFlow is imported before it here

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from benchmarks.frames import drawn_frames
from models import NETWORKS
from models.steering import BUILDERS
from protocol.recorder import Recorder
from training.data.samples import load_drives
from training.run.fast_layers import with_fast_layers
from training.run.network import build
from training.run.precision import add_precision
from training.run.recipe import Recipe
from training.run.run import TrainingRun, TrainingSettings
from training.run.schedule import phases
from training.run.train import Training

PLAIN = "plain: float32, model.fit"
TRAINING = "training, as this project does it"
FORMER = """
import sys
from pathlib import Path

from benchmarks.training import full_training
from training.run.recipe import Recipe
from training.run.run import TrainingSettings

model, precision, recording, folder, batch = sys.argv[1:]
recipe = Recipe(refit_epochs=0, batch=int(batch))
settings = TrainingSettings(model, (recording,), 1, None, precision, recipe)
learn = full_training(settings, Path(folder))
print("ready", flush=True)
for _ in sys.stdin:
    print(learn(), flush=True)
"""
ROWS = 1000
FRAMES = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_sides(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.training", __doc__)
    parser.add_argument("--model", choices=NETWORKS, default="eff")
    add_precision(parser)
    parser.add_argument("--batch", type=whole(1, 4096), default=Recipe().batch, help="(default %(default)s)")
    parser.add_argument("--steps", type=whole(2, 100_000), help="steps a round (default: each row once)")
    parser.add_argument("--former", type=Path, metavar="CHECKOUT", help="also measure the training of this checkout")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all sides (default %(default)s)")
    options = parser.parse_args(arguments)
    if options.former and options.steps:
        parser.error("--former learns each row once; leave --steps out")
    return options


def measure_sides(options: argparse.Namespace) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps the runs' lock files
        recording = drawn_recording(Path(folder) / "recording")
        recipe = Recipe(refit_epochs=0, batch=options.batch, steps=options.steps)
        settings = TrainingSettings(options.model, (str(recording),), 1, None, options.precision, recipe)
        sides = {
            "bare: train_on_batch, random tensors": bare(settings, lambda network: network),
            "bare, with the faster layers": bare(settings, with_fast_layers),
            "images alone, without a network": images_alone(settings, Path(folder) / "images"),
            TRAINING: full_training(settings, Path(folder) / "run"),
        }
        if keras.backend.backend() == "tensorflow":
            sides[PLAIN] = plain(settings)
        if options.former:
            sides[f"training, as {options.former.name} does it"] = former(
                settings, options.former, Path(folder) / "former"
            )
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in tqdm(range(options.rounds), unit=" round"):
            for name, learn in sides.items():
                started_s = time.perf_counter()
                samples = learn()
                rates[name].append(samples / (time.perf_counter() - started_s))
    report(options.model, options.precision, rates)


def drawn_recording(folder: Path) -> Path:
    """Draw a recording of ROWS rows with three cameras, always in a bend."""
    frames = drawn_frames(FRAMES)
    with Recorder(folder) as recorder:
        for i in range(ROWS):
            center, left, right = (frames[(3 * i + camera) % FRAMES] for camera in range(3))
            recorder.write(1.6e9 + i / 10, center, 0.3 * (-1) ** (i // 50), 0.3, 0.0, 15.0, left, right)
    return folder


def bare(settings: TrainingSettings, transform: Callable[[keras.Model], keras.Model]) -> Callable[[], int]:
    """Prepare the bare network behind its crop, for 20 batches a round."""
    network = transform(build(settings.model, settings.recipe, settings.precision).network)
    network.compile(keras.optimizers.AdamW(), loss="mse")
    batch = settings.recipe.batch
    rng = np.random.default_rng(1)
    crops = ops.convert_to_tensor(rng.integers(0, 256, (batch, *network.input_shape[1:]), np.uint8))
    steering = ops.convert_to_tensor(rng.uniform(-1, 1, (batch, 1)).astype(np.float32))

    def learn() -> int:
        for _ in range(20):
            network.train_on_batch(crops, steering)
        return 20 * batch

    learn()
    return learn


def new_training(settings: TrainingSettings, folder: Path) -> Training:
    """A training before its first epoch."""
    return Training(
        settings, TrainingRun(folder, settings), load_drives([Path(settings.recordings[0])], Recipe(), None, 1)
    )


def images_alone(settings: TrainingSettings, folder: Path) -> Callable[[], int]:
    """Prepare an epoch's images alone, which a round draws, decodes and augments without a network."""
    training = new_training(settings, folder)

    def prepare() -> int:
        return sum(
            len(crops) for crops, _ in training.images.batches(training.draw(0, False), 0, training.learner.vary)
        )

    prepare()
    return prepare


def full_training(settings: TrainingSettings, folder: Path) -> Callable[[], int]:
    """Prepare this project's training, for an epoch a round: images, steps and weight averaging."""
    training = new_training(settings, folder)
    (phase,) = phases(settings.recipe, 0)
    batch, bar = settings.recipe.batch, tqdm(disable=True)
    steps = len(training.draw(0, whole=False)[0]) // batch

    def learn() -> int:
        training.learn(phase, 0, steps, bar)
        return steps * batch

    learn()
    return learn


def former(settings: TrainingSettings, checkout: Path, folder: Path) -> Callable[[], int]:
    """Prepare another checkout's training, for an epoch a round."""
    values = [settings.model, settings.precision, settings.recordings[0], folder, settings.recipe.batch]
    command = [sys.executable, "-c", FORMER, *map(str, values)]
    process = subprocess.Popen(command, cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers = process.stdin, process.stdout

    def answer() -> str:
        for line in answers:
            if line.split()[0] == "ready" or line.strip().isdecimal():
                return line
        raise RuntimeError(f"the training in {checkout} ended")

    def learn() -> int:
        questions.write("\n")
        questions.flush()
        return int(answer())

    answer()
    return learn


def plain(settings: TrainingSettings) -> Callable[[], int]:
    """Prepare the plain fit, for 20 batches a round: whole frames, float32, Keras' own loop."""
    import tensorflow as tf  # noqa: PLC0415 - other backends may lack TensorFlow

    model = BUILDERS[settings.model](block_dropout=0.0, head_dropout=0.1)
    model.compile(keras.optimizers.Adam(), loss="mse")
    (drive,) = load_drives([Path(settings.recordings[0])], replace(Recipe(), side_camera=0.0), None, 1)
    batch = settings.recipe.batch
    rows = slice(0, 20 * batch)

    def load(path: Any, steering: Any) -> tuple[Any, Any]:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        mirror = tf.random.uniform([]) < 0.5
        image = tf.cond(mirror, lambda: tf.reverse(image, [1]), lambda: image)
        return tf.ensure_shape(image, (160, 320, 3)), tf.where(mirror, -steering, steering)

    data = tf.data.Dataset.from_tensor_slices((drive.images[rows, 0], drive.target[rows].astype(np.float32)))
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch, drop_remainder=True)
    data = data.prefetch(tf.data.AUTOTUNE)

    def learn() -> int:
        model.fit(data, verbose=0)
        return len(data) * batch

    learn()
    return learn


def report(model: str, precision: str, rates: dict[str, list[float]]) -> None:
    """Print a row a side: median samples a second, the slowest round, and the ratios to the first side and to plain."""
    medians = {name: float(np.median(values)) for name, values in rates.items()}
    bare, plain_rate = next(iter(medians.values())), medians.get(PLAIN, float("nan"))
    print(f"\n{model}, {precision}, {keras.backend.backend()}; all sides took turns for {len(rates[TRAINING])} rounds")
    print(f"{'':38}{'samples/s':>10}{'slowest':>9}{'x bare':>8}{'x plain':>9}")
    for name, median in medians.items():
        print(f"{name:38}{median:10.0f}{min(rates[name]):9.0f}{median / bare:8.2f}{median / plain_rate:9.2f}")


if __name__ == "__main__":
    sys.exit(main())
