"""Training samples a second: ours, its parts, and a plain float32 Keras fit, in one run.

The bare network is `train_on_batch` of the same model in the same precision on one batch that is in memory already: of
Keras' own layers, and of the faster ones that we train with, which no pipeline can beat. The images alone are our epoch
drawn, decoded and varied, and thrown away. The plain fit is what a tutorial does: whole frames decoded and mirrored by
tf.data, `model.fit`. All take turns, so that a machine whose speed drifts treats them alike; ratios are of medians over
rounds.

On 2 idle cores of an Intel Xeon with AVX-512 BF16 and AMX, 27 November 2026, eff in bfloat16, samples a second: bare
191, of the faster layers 252, images alone 870, ours 189 (0.99 of bare, 0.75 of the faster), plain float32 161 (ours is
1.17 of it, where 1.5 was aimed at). The network and the images each fill both cores, 252 and 870 together make 195, and
neither can hide behind the other. More than half of a step was LeakyReLU, which TensorFlow computes value by value in
bfloat16; compiled it is a third, and depthwise kernels are a quarter. On 2 cores of an AMD EPYC with AVX-512, before
that, 24 November: bare 382, images 1109, ours 244 (0.64 of bare), plain 251 (0.97).

On 2 cores of an AMD EPYC without AVX-512, idle, 26 November 2026, eff in float32, a round: bare 106, images alone 662,
ours 104 (0.98 of bare), plain 62 (ours is 1.66 of it); with TF_ENABLE_ONEDNN_OPTS=0 bare 45, 466, ours 43, plain 31.

    python -m benchmarks.training
    python -m benchmarks.training --model baseline --precision float32
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `training` does, but TensorFlow is imported before it here

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from benchmarks.frames import drawn_frames
from models import NETWORKS
from models.steering import BUILDERS
from protocol.recorder import Recorder
from training.data.pipeline import training_batches
from training.data.samples import draw_epoch, load_drives
from training.run.fast_layers import with_fast_layers
from training.run.network import build
from training.run.precision import add_precision
from training.run.recipe import Recipe
from training.run.run import TrainingRun, TrainingSettings
from training.run.schedule import phases
from training.run.train import Training

ROWS = 1000
FRAMES = 300


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", choices=NETWORKS, default="eff")
    add_precision(parser)
    parser.add_argument("--rounds", type=int, default=5, help="of all sides in turn (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps the runs' lock files
        recording = drawn_recording(Path(folder) / "recording")
        settings = TrainingSettings(
            options.model, (str(recording),), 1, None, options.precision, Recipe(refit_epochs=0)
        )
        sides = {
            "bare: train_on_batch, random tensors": bare(settings, lambda network: network),
            "bare, of the faster layers": bare(settings, with_fast_layers),
            "images alone: drawn, decoded, varied": images_alone(settings, Path(folder) / "images"),
            "ours": ours(settings, Path(folder) / "run"),
            "plain: float32, model.fit": plain(settings),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in tqdm(range(options.rounds), unit=" round"):
            for name, learn in sides.items():
                started_s = time.perf_counter()
                samples = learn()
                rates[name].append(samples / (time.perf_counter() - started_s))
    report(options.model, options.precision, rates)


def drawn_recording(folder: Path) -> Path:
    """ROWS rows of three cameras, always in a bend."""
    frames = drawn_frames(FRAMES)
    with Recorder(folder) as recorder:
        for i in range(ROWS):
            center, left, right = (frames[(3 * i + camera) % FRAMES] for camera in range(3))
            recorder.write(1.6e9 + i / 10, center, 0.3 * (-1) ** (i // 50), 0.3, 0.0, 15.0, left, right)
    return folder


def bare(settings: TrainingSettings, changed: Callable[[keras.Model], keras.Model]) -> Callable[[], int]:
    """The network behind its crop, and nothing else; 20 batches a round."""
    network = changed(build(settings.model, settings.recipe, settings.precision).network)
    network.compile(keras.optimizers.AdamW(), loss="mse")
    batch = settings.recipe.batch
    rng = np.random.default_rng(1)
    crops = tf.constant(rng.integers(0, 256, (batch, *network.input_shape[1:]), np.uint8))
    steering = tf.constant(rng.uniform(-1, 1, (batch, 1)).astype(np.float32))

    def learn() -> int:
        for _ in range(20):
            network.train_on_batch(crops, steering)
        return 20 * batch

    learn()
    return learn


def begun(settings: TrainingSettings, folder: Path) -> Training:
    """A training that has learned nothing yet."""
    return Training(
        settings, TrainingRun(folder, settings), load_drives([Path(settings.recordings[0])], Recipe(), None, 1)
    )


def images_alone(settings: TrainingSettings, folder: Path) -> Callable[[], int]:
    """What the processor does for an epoch's images, with no network beside it."""
    training = begun(settings, folder)
    draw = draw_epoch(training.drives, settings.recipe, settings.seed, 0)

    def prepare() -> int:
        batches = training_batches(*draw, training.model.rows, settings.recipe, (settings.seed, 0), training.hoods)
        return sum(len(crops) for crops, _ in batches)

    prepare()
    return prepare


def ours(settings: TrainingSettings, folder: Path) -> Callable[[], int]:
    """An epoch of our training a round: drawn, decoded, varied, learned and averaged."""
    training = begun(settings, folder)
    (phase,) = phases(settings.recipe, 0)
    batch, bar = settings.recipe.batch, tqdm(disable=True)
    steps = sum(int((drive.part == 0).sum()) for drive in training.drives) // batch

    def learn() -> int:
        training.learn(phase, 0, steps, bar)
        return steps * batch

    learn()
    return learn


def plain(settings: TrainingSettings) -> Callable[[], int]:
    """Whole frames, float32, Keras' own loop."""
    model = BUILDERS[settings.model](block_dropout=0.0, head_dropout=0.1)
    model.compile(keras.optimizers.Adam(), loss="mse")
    (drive,) = load_drives([Path(settings.recordings[0])], replace(Recipe(), side_camera=0.0), None, 1)
    batch = settings.recipe.batch
    chosen = slice(0, 20 * batch)

    def load(path: tf.Tensor, steering: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        mirrored = tf.random.uniform([]) < 0.5
        image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
        return tf.ensure_shape(image, (160, 320, 3)), tf.where(mirrored, -steering, steering)

    data = tf.data.Dataset.from_tensor_slices((drive.images[chosen, 0], drive.target[chosen].astype(np.float32)))
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(batch, drop_remainder=True)
    data = data.prefetch(tf.data.AUTOTUNE)

    def learn() -> int:
        model.fit(data, verbose=0)
        return len(data) * batch

    learn()
    return learn


def report(model: str, precision: str, rates: dict[str, list[float]]) -> None:
    """A row a side: median samples a second, the slowest round, and the ratios to the other sides."""
    medians = [float(np.median(values)) for values in rates.values()]
    print(f"\n{model}, {precision}, {len(rates['ours'])} rounds in turn")
    print(f"{'':38}{'samples/s':>10}{'slowest':>9}{'x bare':>8}{'x plain':>9}")
    for (name, values), median in zip(rates.items(), medians, strict=True):
        print(f"{name:38}{median:10.0f}{min(values):9.0f}{median / medians[0]:8.2f}{median / medians[-1]:9.2f}")


if __name__ == "__main__":
    main()
