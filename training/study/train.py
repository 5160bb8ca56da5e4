"""A training of the study makes a run folder with model, figures and pictures from images and a recipe.

A plain loop learns one epoch at a time, so that a killed run resumes from its last epoch and gets the same result. The
next epoch's images are moved meanwhile. The last epoch's model counts, because choosing an epoch by the test images
would flatter it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from tqdm import tqdm

from models.classifiers import TASKS, Dropouts
from protocol.cache_folder import cache_folder
from training.jobs.process import tell
from training.progress.forecast import Forecast
from training.run.dropout import reseed_dropout
from training.run.fast_layers import compiles_networks, with_fast_layers
from training.run.steps.epoch import ahead
from training.study.datasets import Dataset, Images, Labels
from training.study.moves import move_images
from training.study.muon import ConvMuon
from training.study.pictures import draw_confusion, draw_curves, draw_wrong
from training.study.recipes import StudyRecipe
from training.study.run import StudyRun, StudySettings

CLASSES = 10

Learned = Callable[[int, float], None]
"""Is called with how many steps were learned, and their last loss."""

Learn = Callable[[Images, npt.NDArray[np.float32], Learned], tuple[float, float]]
"""Learns images in order, with labels (n, 10); returns the mean loss and accuracy."""


def train(settings: StudySettings, data: Dataset, folder: Path) -> dict[str, Any]:
    """Train or resume, unless the run is finished; returns the result that is in the run's result.json.

    Raises RunError for a folder that cannot be used.
    """
    run = StudyRun(folder, settings)
    if run.result:
        return run.result
    keras.utils.set_random_seed(settings.seed)
    network = with_fast_layers(build(settings, settings.precision))
    recipe = settings.recipe
    steps = max(1, len(data.x_train) // recipe.batch)
    compile_for(network, recipe, steps)
    finished_epochs = run.restore(network)
    forecast = Forecast([steps] * (recipe.epochs - finished_epochs), 0, 0.0)
    with tqdm(total=recipe.epochs * steps, initial=finished_epochs * steps, unit=" steps", desc=settings.name()) as bar:
        progress, learn = _Progress(bar, forecast), learner_of(network, recipe)
        epochs = range(finished_epochs, recipe.epochs)
        for epoch, images, labels in ahead(_moved(data, settings, epoch) for epoch in epochs):
            start_s = time.monotonic()
            reseed_dropout(network, settings.seed, epoch)
            progress.epoch = epoch + 1
            loss, accuracy = learn(images, one_hot(labels), progress.learned)
            figures = {"loss": loss, "accuracy": accuracy, **_test(network, data)}
            run.save(network, {"epoch": epoch + 1, **figures, "seconds": round(time.monotonic() - start_s, 2)})
            draw_curves(run.history, folder / "curves.png")
            forecast.epoch_ended(time.monotonic())
    return _finish(run, settings, network, data)


def build(settings: StudySettings, precision: str) -> keras.Model:
    """Build the untrained network. precision: that of its arithmetic; its weights are always float32."""
    recipe = settings.recipe
    builder = TASKS[settings.task].networks[settings.model]
    start = {"start": "he" if recipe.start == "awake" else recipe.start} if settings.task == "digits" else {}
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        network = builder(dropouts=Dropouts(recipe.block_dropout, recipe.head_dropout), **start)
    finally:
        keras.config.set_dtype_policy(policy)
    if recipe.start == "awake":
        wake(network)
    return network


def wake(network: keras.Model) -> None:
    """Invert each depthwise kernel whose middle weight is negative.

    After ReLU no input is negative, so a kernel without a positive weight always answers 0 and learns nothing. That is
    one in eight kernels of three random weights, and half of those whose middle weight alone meets the picture.
    """
    for layer in network.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            kernel, *bias = layer.get_weights()
            middle = kernel[kernel.shape[0] // 2, kernel.shape[1] // 2]
            layer.set_weights([np.where(middle < 0, -kernel, kernel), *bias])


def compile_for(network: keras.Model, recipe: StudyRecipe, steps: int) -> None:
    """Give the network its optimizer. steps: those of an epoch.

    XLA is off on TensorFlow's CPU, where it trains these blocks many times slower.
    """
    rate: Any = recipe.learning_rate
    if recipe.warm_up:
        rising = max(1, round(recipe.warm_up * steps * recipe.epochs))
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps * recipe.epochs - rising), 0.01, warmup_target=rate, warmup_steps=rising
        )
    optimizer = ConvMuon if recipe.optimizer == "muon" else keras.optimizers.AdamW
    network.compile(
        optimizer(rate, weight_decay=recipe.weight_decay),
        loss=loss_of(recipe),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=compiles_networks(),
    )


def loss_of(recipe: StudyRecipe) -> keras.losses.Loss:
    """The loss of one-hot labels and probabilities."""
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)


def learner_of(network: keras.Model, recipe: StudyRecipe) -> Learn:
    """What learns an epoch: on JAX many steps of a call, else Keras' `fit`, whose step is compiled, too."""
    if keras.backend.backend() == "jax":
        from inference.compiled.jax_compiler import cache_programs  # noqa: PLC0415 - other backends may lack JAX
        from training.study.jax_epochs import JaxEpochs  # noqa: PLC0415

        cache_programs(cache_folder() / "jax")
        epochs = JaxEpochs(network, loss_of(recipe))
        return lambda images, labels, learned: epochs.learn(images, labels, recipe.batch, learned)

    def fit(images: Images, labels: npt.NDArray[np.float32], learned: Learned) -> tuple[float, float]:
        report_batch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: learned(1, logs["loss"]))
        options = {"batch_size": recipe.batch, "shuffle": False, "verbose": 0, "callbacks": [report_batch]}
        history = network.fit(images, labels, **options).history
        return float(history["loss"][0]), float(history["accuracy"][0])

    return fit


class _Progress:
    """Advances the progress bar, shows the loss on it, and prints the forecast once it is known."""

    def __init__(self, bar: tqdm[NoReturn], forecast: Forecast) -> None:
        self.epoch = 0
        self._bar, self._forecast = bar, forecast

    def learned(self, steps: int, loss: float) -> None:
        """Advance by so many steps."""
        self._bar.set_postfix(epoch=self.epoch, loss=f"{loss:.3f}", refresh=False)
        self._bar.update(steps)
        tell(self._bar.n / (self._bar.total or 1))
        if self._forecast.learned(steps, time.monotonic()):
            self._bar.write(self._forecast.text())


def _moved(data: Dataset, settings: StudySettings, epoch: int) -> tuple[int, Images, Labels]:
    """The epoch, its images in whole batches, moved and ordered anew, and their labels."""
    recipe = settings.recipe
    random = np.random.default_rng((settings.seed, epoch))
    images = move_images(data.x_train, recipe, random)
    order = random.permutation(len(images))
    order = order[: max(recipe.batch, len(order) // recipe.batch * recipe.batch)]
    return epoch, images[order], data.y_train[order]


def _test(network: keras.Model, data: Dataset) -> dict[str, float]:
    """Measure loss and accuracy on the test images."""
    loss, accuracy = network.evaluate(data.x_test, one_hot(data.y_test), batch_size=1000, verbose=0)
    return {"test_loss": float(loss), "test_accuracy": float(accuracy)}


def one_hot(labels: Labels) -> npt.NDArray[np.float32]:
    """Encode labels (n,) as float32 (n, 10), with a 1 at each label."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


def _finish(run: StudyRun, settings: StudySettings, network: keras.Model, data: Dataset) -> dict[str, Any]:
    """Save the model in float32, let it answer all test images, and write the result and the pictures."""
    final = build(settings, "float32")
    final.set_weights(network.get_weights())
    partial = run.folder / "model.partial.h5"
    final.save(partial)
    os.replace(partial, run.folder / "model.h5")
    probabilities = np.asarray(final.predict(data.x_test, batch_size=1000, verbose=0))
    answers = probabilities.argmax(axis=1)
    confusion = confusion_matrix(answers, data.y_test)
    classes = TASKS[settings.task].classes
    draw_confusion(confusion, classes, run.folder / "confusion.png")
    draw_wrong(data.x_test, data.y_test, probabilities, classes, run.folder / "wrong.png")
    last = run.history[-1]
    result = {
        "test_accuracy": float((answers == data.y_test).mean()),
        "train_accuracy": last["accuracy"],
        "test_images": len(data.y_test),
        "epochs": len(run.history),
        "file_bytes": (run.folder / "model.h5").stat().st_size,
        "seconds_an_epoch": float(np.median([row["seconds"] for row in run.history])),
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "confusion": confusion.tolist(),
    }
    run.finish(result)
    return result


def confusion_matrix(answers: Labels, labels: Labels) -> npt.NDArray[np.int64]:
    """Count, in (10, 10), how often the class of a row was answered as the class of a column."""
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts
