"""Trainings that differ only in their seeds learn side by side on a GPU.

Small networks leave most of a GPU idle. All that is not learning stays each training's own: its draws, its run folder,
its curves, its page, its choice of a checkpoint and its card. So it ends as it does alone, except for rounding.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import keras
import numpy as np
from tqdm import tqdm

from inference.devices import device_of
from models.card import Card
from protocol.arrays import Float64Array
from training.progress.bar import phase_bar
from training.run.devices import use_all_devices
from training.run.dropout import reseed_dropout
from training.run.rows import open_recordings
from training.run.run import TrainingRun, TrainingSettings
from training.run.schedule import Phase, phases
from training.run.steps.epoch import ahead
from training.run.train import Training, train

if TYPE_CHECKING:
    from training.run.steps.jax_seeds import JaxSeeds


class PlannedRun(NamedTuple):
    """What `train` takes: the settings, the run's folder, and the model file to write."""

    settings: TrainingSettings
    folder: Path
    out: Path


def train_all(runs: Sequence[PlannedRun], crops: Path) -> Iterator[tuple[PlannedRun, Card]]:
    """Train, or resume, and yield each run when it is finished. crops: a folder for decoded images, which stays.

    Runs side by side share their device's memory and finish together. Raises as `train` does.
    """
    for group in _groups(runs):
        if len(group) > 1 and _has_gpu():
            yield from _train_together(group, crops)
        else:
            yield from ((run, train(*run, crops)) for run in group)


def _groups(runs: Sequence[PlannedRun]) -> list[list[PlannedRun]]:
    """Put runs together that differ only in their seeds, in the order in which the first of each comes."""
    groups: dict[Any, list[PlannedRun]] = {}
    for run in runs:
        is_alone = run.settings.dagger or run.settings.recipe.held_out_share is not None
        key = run.folder if is_alone else replace(run.settings, seed=0)
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def _has_gpu() -> bool:
    """Whether JAX trains on a GPU. A processor is as busy with one network; other libraries have no such step."""
    return keras.backend.backend() == "jax" and device_of("jax") != "CPU"


def _train_together(runs: Sequence[PlannedRun], crops: Path) -> Iterator[tuple[PlannedRun, Card]]:
    settings = runs[0].settings
    use_all_devices(settings.recipe.batch)
    drives, tests = open_recordings(settings)
    trainings = [Training(run.settings, TrainingRun(run.folder, run.settings), drives, crops) for run in runs]
    size = len(runs)
    while size > 1 and not Seeds(trainings[:size], trainings[0]).fits():
        size = (size + 1) // 2
    for first in range(0, len(runs), size):
        seeds = Seeds(trainings[first : first + size], trainings[0])
        with ExitStack() as pages:
            for training in seeds.trainings:
                pages.enter_context(training.progress)
            for phase in phases(settings.recipe, settings.dagger):
                seeds.run(phase)
            for run, training in zip(runs[first:], seeds.trainings, strict=False):
                yield run, training.finish(run.out, tests)


class Seeds:
    """Trainings that learn side by side. source: the one that puts the crops on the device, for all of them."""

    def __init__(self, trainings: Sequence[Training], source: Training) -> None:
        self.trainings, self._source = list(trainings), source
        self._batch = trainings[0].recipe.batch
        self._programs: dict[tuple[int, ...], JaxSeeds] = {}

    def fits(self) -> bool:
        """Whether the device has the memory for all of them at once."""
        phase, *_ = phases(self.trainings[0].recipe, 0)
        learners = self._learners(self.trainings)
        steps, _ = next(self._chunks(self.trainings, phase, 0, self.trainings[0].steps(phase)))
        return learners.fits(steps)

    def run(self, phase: Phase) -> None:
        """Train the phase's missing epochs and save each, as `Training.run` does.

        After a stop between two saves some trainings are an epoch behind; these learn until all are even.
        """
        (steps,) = {training.begin(phase) for training in self.trainings}
        finished_epochs = [training.finished_epochs for training in self.trainings]
        model = self.trainings[0].settings.model
        with phase_bar(model, phase, steps * self._batch, finished_epochs) as bar:
            while epochs := self._next_epochs(phase):
                epoch = min(epochs.values())
                trainings = [self.trainings[number] for number, next_epoch in epochs.items() if next_epoch == epoch]
                start_s = time.monotonic()
                losses = self._learn(trainings, phase, epoch, steps, bar)
                for training, loss in zip(trainings, losses, strict=True):
                    training.end_epoch(phase, epoch, float(loss), start_s)
        for training in self.trainings:
            training.end(phase, steps)

    def _next_epochs(self, phase: Phase) -> dict[int, int]:
        """The numbers of the trainings that miss an epoch, and of its first."""
        epochs = {number: training.next_epoch(phase) for number, training in enumerate(self.trainings)}
        return {number: epoch for number, epoch in epochs.items() if epoch is not None}

    def _learn(
        self, trainings: Sequence[Training], phase: Phase, epoch: int, steps: int, bar: tqdm[NoReturn]
    ) -> Float64Array:
        """Learn one epoch's draws; returns the mean losses (trainings,)."""
        learners = self._learners(trainings)
        for training in trainings:
            reseed_dropout(training.network, training.settings.seed, epoch)
        learners.begin()
        losses = np.empty((0, len(trainings)))
        for chunk, rates in ahead(self._chunks(trainings, phase, epoch, steps)):
            new_losses = learners.learn(chunk, len(rates))
            losses = np.concatenate([losses, new_losses])
            bar.update(new_losses.size * self._batch)
            bar.set_postfix(epoch=epoch + 1, loss=f"{losses[-50:].mean():.4f}", refresh=False)
            place = epoch + len(losses) / steps
            forecasts = [
                training.progress.learned(place, column.tolist(), rates[-1])
                for training, column in zip(trainings, new_losses.T, strict=True)
            ]
            if forecasts[0]:
                bar.write(forecasts[0])
        learners.end()
        for training in trainings:
            training.average.updates += steps
        return losses.mean(axis=0)

    def _chunks(
        self, trainings: Sequence[Training], phase: Phase, epoch: int, steps: int
    ) -> Iterator[tuple[Any, list[float]]]:
        """Yield an epoch's steps as the trainings' learners take them, and the rates of those that count."""
        learners = self._learners(trainings)
        for chunks in zip(*(training.chunks(phase, epoch, steps) for training in trainings), strict=True):
            yield learners.prepare([chunk for chunk, _ in chunks]), chunks[0][1]

    def _learners(self, trainings: Sequence[Training]) -> JaxSeeds:
        from training.run.steps.jax_seeds import JaxSeeds  # noqa: PLC0415 - other backends may lack JAX

        key = tuple(training.settings.seed for training in trainings)
        if key not in self._programs:
            learners: list[Any] = [training.learner for training in trainings]
            source: Any = self._source.learner
            self._programs[key] = JaxSeeds(learners, source)
        return self._programs[key]
