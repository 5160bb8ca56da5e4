"""Trains one model from recordings into a run folder, and at its end writes the model file and its card.

The loop is written out rather than left to `fit`, because each epoch must be repeatable by itself: its draw, its
dropout and its augmentation depend on the seed and its number only, which is what lets a killed run go on exactly.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from models import card as cards
from training.curves import draw_curves
from training.held_out import Metrics, held_out_metrics
from training.network import SplitModel, WeightAverage, build, reseed_dropout, settle_batch_norm
from training.pipeline import training_batches
from training.recipe import Recipe
from training.run import Run, RunError, Settings
from training.samples import HELD_OUT, TRAIN, Drive, draw_epoch, load_drives

SETTLING_IMAGES = 2048
"""Varied views enough for batch norm's mean and variance to be known within 2 %."""

WATCHED = 8
"""After each epoch one held-out row in so many is answered: neighbours are alike, and the time is the training's."""

GOLDEN_TOLERANCE = 2e-3
"""Allowed difference of steering between engines and versions: 0.05 degrees of the wheel."""

LIBRARIES = ("keras", "tensorflow", "numpy", "pillow")


def train(settings: Settings, folder: Path, out: Path) -> cards.Card:
    """Train, or go on training, and write `out` (.h5) and its card (.json).

    Raises RecordingError for bad data and RunError for a bad folder; KeyboardInterrupt leaves every file whole.
    """
    drives = load_drives([Path(name) for name in settings.recordings], settings.recipe, settings.lap_m)
    print_split(drives)
    for part, purpose in ((TRAIN, "train on"), (HELD_OUT, "test on")):
        rows = sum(int((drive.part == part).sum()) for drive in drives)
        if rows < 2 * settings.recipe.batch:
            raise RunError(f"{rows} rows to {purpose} are too few; at least {2 * settings.recipe.batch} are needed")
    training = _Training(settings, Run(folder, settings), drives)
    training.run_epochs()
    return training.save(out)


def print_split(drives: Sequence[Drive]) -> None:
    """One line for each recording: how many rows are for what."""
    for drive in drives:
        train_rows, guard_rows, held_out_rows = np.bincount(drive.part, minlength=3)
        print(
            f"{drive.name}: {train_rows} rows to train on, {held_out_rows} held out, {guard_rows} between them,"
            f" {drive.unplaced} of no known place"
        )


class _Training:
    """The state of one training: the network, its averaged weights, and its run folder."""

    def __init__(self, settings: Settings, run: Run, drives: Sequence[Drive]) -> None:
        self.settings, self.recipe, self.run, self.drives = settings, settings.recipe, run, drives
        keras.utils.set_random_seed(settings.seed)
        self.model = build(settings.model, self.recipe, settings.precision)
        self.steps = len(self._draw(0)[0]) // self.recipe.batch
        if not self.steps:
            raise RunError("nearly all steering is straight; too few rows are left once straight ones are thinned")
        optimizer = keras.optimizers.AdamW(self._learning_rate(), weight_decay=self.recipe.weight_decay)
        self.model.network.compile(optimizer, loss="mse")
        self.average = WeightAverage(self.recipe.average_horizon_steps)
        self.done = run.restore(self.model.network, self.average)

    def run_epochs(self) -> None:
        """Train the epochs that are missing, saving each."""
        images_in_epoch = self.steps * self.recipe.batch
        with tqdm(
            total=self.recipe.epochs * images_in_epoch,
            initial=self.done * images_in_epoch,
            unit=" samples",
            unit_scale=True,
            mininterval=1.0,
            desc=self.settings.model,
        ) as bar:
            for epoch in range(self.done, self.recipe.epochs):
                started = time.monotonic()
                loss = self._epoch(epoch, bar)
                figures = self._monitored()
                shown = {"mae": figures["mae"], "correlation": figures["correlation"], "bias": figures["bias"]}
                row = {"epoch": epoch + 1, "loss": loss, **shown, "seconds": time.monotonic() - started}
                self.run.save(self.model.network, self.average, row)
                self.done = epoch + 1
                draw_curves(self.run.history, self.run.folder / "curves.png")

    def save(self, out: Path) -> cards.Card:
        """Write the averaged model, whole and in float32, and its card."""
        final = build(self.settings.model, self.recipe, "float32")
        final.network.set_weights(self.average.weights)
        settle_batch_norm(final, self._settling_images())
        metrics = held_out_metrics(final.network, self.drives, final.rows)
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(out.stem + ".partial.h5")
        final.whole.save(partial)
        os.replace(partial, out)
        card = self._card(final, out, metrics)
        card.write(out)
        return card

    def _learning_rate(self) -> keras.optimizers.schedules.LearningRateSchedule:
        total = self.recipe.epochs * self.steps
        warm_up = max(1, round(self.recipe.warm_up * total))
        return keras.optimizers.schedules.CosineDecay(
            0.0, max(1, total - warm_up), alpha=0.01, warmup_target=self.recipe.learning_rate, warmup_steps=warm_up
        )

    def _draw(self, epoch: int) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
        return draw_epoch(self.drives, self.recipe, self.settings.seed, epoch)

    def _epoch(self, epoch: int, bar: tqdm[NoReturn]) -> float:
        """One pass over an epoch's draw; returns its mean loss."""
        network, losses = self.model.network, []
        reseed_dropout(network, self.settings.seed, epoch)
        seed = (self.settings.seed, epoch)
        for crops, steering in training_batches(*self._draw(epoch), self.model.rows, self.recipe, seed):
            losses.append(float(network.train_on_batch(crops, steering)))
            self.average.update(network.get_weights())
            bar.update(self.recipe.batch)
            bar.set_postfix(epoch=epoch + 1, loss=f"{np.mean(losses[-50:]):.4f}", refresh=False)
        return float(np.mean(losses))

    def _monitored(self) -> dict[str, float]:
        """Held-out figures of the averaged weights, on a part of the rows: to watch, nothing is chosen by them."""
        network = self.model.network
        trained = network.get_weights()
        network.set_weights(self.average.weights)
        settle_batch_norm(self.model, self._settling_images(SETTLING_IMAGES // WATCHED))
        figures = held_out_metrics(network, self.drives, self.model.rows, every=WATCHED)["all"]
        network.set_weights(trained)
        return figures

    def _settling_images(self, count: int = SETTLING_IMAGES) -> tf.data.Dataset:
        paths, targets = self._draw(self.recipe.epochs)
        seed = (self.settings.seed, self.recipe.epochs)
        batches = training_batches(paths[:count], targets[:count], self.model.rows, self.recipe, seed)
        return batches.map(lambda crops, _: crops)

    def _card(self, final: SplitModel, out: Path, metrics: Metrics) -> cards.Card:
        recipe, frame = self.recipe, cards.golden_frame()
        answer = float(np.asarray(final.whole(frame[None]))[0, 0])
        return cards.Card(
            format=cards.FORMAT,
            model=self.settings.model,
            description="Steering for the Udacity simulator: uint8 RGB (160, 320, 3) in, -1..1 (right) out.",
            parameters=final.whole.count_params(),
            sha256=cards.sha256(out),
            data=tuple(_data(drive) for drive in self.drives),
            held_out=held_out_words(recipe, self.settings.lap_m),
            recipe={**asdict(recipe), "precision": self.settings.precision, "lap_m": self.settings.lap_m},
            seed=self.settings.seed,
            epochs=self.done,
            samples=self.done * self.steps * recipe.batch,
            metrics=metrics,
            versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            commit=commit(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            golden=cards.Golden(cards.png_base64(frame), answer, GOLDEN_TOLERANCE),
        )


def held_out_words(recipe: Recipe, lap_m: float | None) -> str:
    """What was held out, for the card."""
    if lap_m is None:
        return "blocks of time; other laps over the same road were trained on, so the figures flatter"
    ends = (f"{start:g} to {start + recipe.held_out_length_m:g}" for start in recipe.held_out_starts_m)
    return (
        f"stretches of road, in all laps, directions and recordings: {', '.join(ends)} m from the sharpest bend of a"
        f" lap of {lap_m:g} m, with {recipe.guard_m:g} m on both sides that are for nothing"
    )


def commit() -> str:
    """The repository's commit, marked `-changed` where tracked files differ from it; "" without git."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=-changed", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


def _data(drive: Drive) -> cards.Data:
    rows = drive.part
    return cards.Data(drive.name, int(rows.size), int((rows == TRAIN).sum()), int((rows == HELD_OUT).sum()))
