"""Train one model from recordings into a run folder, then write the model file and its card.

The loop is written out instead of using `fit`, because each epoch must be repeatable by itself. Its draw, dropout and
augmentation depend only on the seed and its number, so a killed run resumes exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import keras
import numpy as np
from tqdm import tqdm

from models.card import Card
from training.confidence.figures import confidence_figures
from training.confidence.fit import fit_confidence
from training.data.crops import Pixels
from training.data.images import Draw, TrainingImages
from training.data.samples import HELD_OUT, PARTS, TRAIN, Drive, draw_epoch, load_whole
from training.judge.choose import Driving, best_driver, driver_of, judged_m
from training.judge.dagger import record_corrections
from training.judge.held_out import held_out_metrics, squared_errors
from training.progress.bar import phase_bar
from training.progress.curves import draw_curves
from training.progress.progress import Progress
from training.progress.tensorboard import write_events
from training.run.devices import use_all_devices
from training.run.dropout import reseed_dropout
from training.run.fast_layers import with_fast_layers
from training.run.model_out import next_commands
from training.run.network import SplitModel, WeightAverage, Weights, build, save_model, settle_batch_norm
from training.run.rows import open_recordings
from training.run.run import TrainingRun, TrainingSettings
from training.run.run_card import card_of
from training.run.run_folder import RunError
from training.run.schedule import Phase, best_epoch, learning_rates, phases
from training.run.steps.epoch import ahead, cut_epoch
from training.run.steps.learner import Learner, LearnerSetup, Steps, open_learner

SETTLING_IMAGES = 2048
"""So many varied views determine batch norm's mean and variance within 2 %."""

EVALUATION_EPOCH = 10**6
"""No epoch has this number, so its draw differs from every draw that is trained on."""

MONITOR_STEP = 8
"""After each epoch the network answers one held-out row in this many, because neighbours are alike."""


def train(
    settings: TrainingSettings,
    folder: Path,
    out: Path,
    crops: Path | None = None,
    watch: Callable[[Training], None] = lambda training: None,
) -> Card:
    """Train, or resume training, and write `out` (.h5) and its card (.json).

    crops: a folder for decoded images that stays; None for one in `folder` that is deleted in the end. watch: is shown
    the training before it goes on and after each epoch.
    Raises RecordingError for bad data and RunError for a bad folder. After a KeyboardInterrupt every file is whole.
    """
    use_all_devices(settings.recipe.batch)
    drives, tests = open_recordings(settings)
    training = Training(settings, TrainingRun(folder, settings), drives, crops)
    with training.progress:
        watch(training)
        for phase in phases(settings.recipe, settings.dagger):
            training.run(phase, watch)
        card = training.finish(out, tests)
    if crops is None:
        training.images.crops.delete()
    return card


class Training:
    """The state of one training: the network that learns, its averaged weights, and its run folder.

    model: Keras' own layers, for measuring; network: a copy with faster layers and its own weights, for learning.
    crops: the folder for decoded images, None for the run's own.
    """

    def __init__(
        self, settings: TrainingSettings, run: TrainingRun, drives: Sequence[Drive], crops: Path | None = None
    ) -> None:
        self.settings, self.recipe, self.store = settings, settings.recipe, run
        self.drives = list(drives)
        keras.utils.set_random_seed(settings.seed)
        self.model = build(settings.model, self.recipe, settings.precision)
        optimizer = keras.optimizers.AdamW(self.recipe.learning_rate, weight_decay=self.recipe.weight_decay)
        self.network = with_fast_layers(self.model.network)
        self.network.compile(optimizer)
        optimizer.build(self.network.trainable_variables)
        self.average = WeightAverage(self.network, self.recipe.average_horizon_steps)
        self.finished_epochs = run.restore(self.network, self.average)
        self.images = TrainingImages(drives, crops or run.folder / "crops", self.model.rows, self.recipe, settings.seed)
        if crops is None:
            self.images.crops.delete_others()
        self.learner = self._open_learner()
        self.samples = 0
        self.progress = self._progress()

    def _progress(self) -> Progress:
        plan = phases(self.recipe, self.settings.dagger)
        steps = [self.steps(phase) for phase in plan for _ in range(phase.first, phase.end)]
        recipe, names = self.recipe, [drive.name for drive in self.drives]
        replays = len(self.settings.recordings) if recipe.replays else 0
        drives = (recipe.driven_checkpoints, judged_m(recipe.trials, replays))
        return Progress(self.store.folder, self.settings.model, names, steps, self.store.history, drives)

    def _open_learner(self) -> Learner:
        rows = self.model.rows[1] - self.model.rows[0]
        return open_learner(
            LearnerSetup(
                self.network,
                self.average,
                self.images.crops,
                self.images.hoods,
                rows,
                huber_width=self.recipe.huber_width,
            )
        )

    def steps(self, phase: Phase) -> int:
        """The number of steps of each of the phase's epochs."""
        return len(self.draw(phase.first, phase.whole)[0]) // self.recipe.batch

    def run(self, phase: Phase, watch: Callable[[Training], None] = lambda training: None) -> None:
        """Train the phase's missing epochs and save each; after the first phase, measure the held-out road."""
        steps = self.begin(phase)
        samples = steps * self.recipe.batch
        with phase_bar(self.settings.model, phase, samples, [self.finished_epochs]) as bar:
            while (epoch := self.next_epoch(phase)) is not None:
                start_s = time.monotonic()
                loss = self.learn(phase, epoch, steps, bar)
                self.end_epoch(phase, epoch, loss, start_s)
                watch(self)
        self.end(phase, steps)

    def begin(self, phase: Phase) -> int:
        """Prepare a phase; returns the number of steps of each of its epochs."""
        if self.settings.dagger and phase.round:
            self._add_corrections(phase)
        steps = self.steps(phase)
        if not steps:
            raise RunError("nearly all rows are straight; too few rows are left after straight ones are thinned")
        return steps

    def next_epoch(self, phase: Phase) -> int | None:
        """Return the number, from 0, of the phase's first missing epoch; None where it has none, or patience ended."""
        epoch = max(self.finished_epochs, phase.first)
        is_patient = not self.recipe.patience or epoch - best_epoch(self.store.history) < self.recipe.patience
        return epoch if epoch < phase.end and is_patient else None

    def end_epoch(self, phase: Phase, epoch: int, loss: float, start_s: float) -> None:
        """Measure and save an epoch that was learned since start_s, by the monotonic clock."""
        figures = self._monitor(epoch, phase.whole)
        row = {"epoch": epoch + 1, "loss": loss, **figures, "seconds": time.monotonic() - start_s}
        self.store.save(self.network, self.average, row)
        self.finished_epochs = epoch + 1
        draw_curves(self.store.history, self.store.folder / "curves.png")
        write_events(self.store.history, self.store.folder, self.store.started_s)
        self.progress.epoch_ended()

    def end(self, phase: Phase, steps: int) -> None:
        """Count a finished phase's samples; after the first phase, measure the held-out road."""
        self.samples += steps * self.recipe.batch * (min(self.finished_epochs, phase.end) - phase.first)
        if not phase.whole and not self.store.metrics:
            self.store.keep_metrics(held_out_metrics(self.averaged_model().network, self.drives, self.images.read))

    def finish(self, out: Path, tests: Sequence[Drive]) -> Card:
        """Choose a checkpoint by driving, then write it as a whole float32 model, and its card."""
        final, driving = self._best_driver()
        test_metrics = held_out_metrics(final.network, tests, self.images.read)
        test_keys = [key for drive in tests for key in (drive.name, f"{drive.name}, 1 s means")]
        metrics = {**self.store.metrics, **{f"{key} (test)": test_metrics[key] for key in test_keys}}
        out.parent.mkdir(parents=True, exist_ok=True)
        whole = fit_confidence(final, self.drives, self.recipe, self.settings.seed)
        save_model(whole, out)
        drives = [*self.drives, *tests]
        figures = confidence_figures(whole, tests)
        card = card_of(self.settings, whole, out, drives, self.finished_epochs, self.samples, metrics, driving, figures)
        card.write(out)
        self.progress.tell(
            "finished", f"Training is finished. The model is {out}.", next_commands(out, self.store.folder)
        )
        return card

    def _best_driver(self) -> tuple[SplitModel, Driving]:
        """Let the saved checkpoints drive; returns the best and how it drove, or the last when none is to drive."""
        if not self.recipe.driven_checkpoints:
            return self.averaged_model(), {}
        self.progress.tell("judging", "The last checkpoints drive; the best driver is kept.")
        models = ((epoch, self.averaged_model(weights)) for epoch, weights in self.store.checkpoints())
        return best_driver(models, self.recipe, self.settings.recordings, self.store.folder)

    def averaged_model(self, weights: Weights | None = None) -> SplitModel:
        """Build the float32 model with averaged weights (None: the recipe's choice), and settle its batch norms."""
        if weights is None and self.recipe.patience:
            weights = dict(self.store.checkpoints())[best_epoch(self.store.history)]
        model = build(self.settings.model, self.recipe, "float32")
        self._set_weights(model, self.average.weights if weights is None else weights, SETTLING_IMAGES)
        return model

    def _set_weights(self, model: SplitModel, weights: Weights, settling_images: int) -> None:
        model.network.set_weights(weights)
        if self.recipe.average_horizon_steps > 1:
            settle_batch_norm(model, self._settling_images(settling_images))

    def _add_corrections(self, phase: Phase) -> None:
        folder = self.store.folder / f"corrections-{phase.round}"
        if not folder.exists():
            driver = driver_of(self.averaged_model().whole, self.store.folder)
            record_corrections(driver, folder, phase.round, self.recipe.dagger_tracks)
        (corrections,) = load_whole([folder], self.recipe, TRAIN, by_expert=True)
        self.drives.append(corrections)
        self.images.add(corrections)
        self.learner = self._open_learner()

    def draw(self, epoch: int, whole: bool) -> Draw:
        return draw_epoch(self.drives, self.recipe, self.settings.seed, epoch, PARTS if whole else (TRAIN,))

    def learn(self, phase: Phase, epoch: int, steps: int, bar: tqdm[NoReturn]) -> float:
        """Learn one epoch's draw once; returns the mean loss."""
        losses: list[float] = []
        reseed_dropout(self.network, self.settings.seed, epoch)
        chunks = self.chunks(phase, epoch, steps)
        for chunk, rates in ahead((self.learner.prepare(chunk), rates) for chunk, rates in chunks):
            new_losses = self.learner.learn(chunk, len(rates)).tolist()
            losses += new_losses
            bar.update(len(new_losses) * self.recipe.batch)
            bar.set_postfix(epoch=epoch + 1, loss=f"{np.mean(losses[-50:]):.4f}", refresh=False)
            if forecast := self.progress.learned(epoch + len(losses) / steps, new_losses, rates[-1]):
                bar.write(forecast)
        self.average.updates += steps
        return float(np.mean(losses))

    def chunks(self, phase: Phase, epoch: int, steps: int) -> Iterator[tuple[Steps, list[float]]]:
        """Yield an epoch's steps, as many together as the learner takes, and the learning rates of those that count."""
        numbers, variations, targets = self.images.vary(self.draw(epoch, phase.whole), epoch)
        rates, shares = learning_rates(phase, epoch, steps, self.recipe), self.average.shares(steps)
        batch, at_once = self.recipe.batch, self.learner.at_once
        for chunk, count in cut_epoch(numbers, variations, targets, rates, shares, batch, at_once):
            yield chunk, chunk.rates[:count].tolist()

    def _monitor(self, epoch: int, whole: bool) -> dict[str, float]:
        """Measure the averaged weights on some held-out rows, for people to watch; training chooses nothing by them.

        Where the recipe lets checkpoints drive, the weights are also filmed. whole: whether the held-out road is
        already learned, so that its figures are nan.
        """
        figures = dict.fromkeys(names := ("mae", "correlation", "bias"), float("nan"))
        if whole and not self.recipe.driven_checkpoints:
            return figures
        self._set_weights(self.model, self.average.weights, SETTLING_IMAGES // MONITOR_STEP)
        if not whole:
            agreement = held_out_metrics(self.model.network, self.drives, self.images.read, every=MONITOR_STEP)["all"]
            figures = {name: agreement[name] for name in names} | (self._validate() if self.recipe.patience else {})
        if self.recipe.driven_checkpoints:
            driver = build(self.settings.model, self.recipe, "float32").whole
            driver.set_weights(self.model.whole.get_weights())
            figures |= self.progress.film(driver_of(driver, self.store.folder), epoch + 1)
        return figures

    def _validate(self) -> dict[str, float]:
        """Measure mean squared errors on the held-out rows, thinned and varied: the network's, and that of always 0.

        The batches are the same after each epoch. Raises RunError where there is none.
        """
        draw = draw_epoch(self.drives, self.recipe, self.settings.seed, EVALUATION_EPOCH, (HELD_OUT,))
        batches = self.images.batches(draw, EVALUATION_EPOCH, self.learner.vary)
        errors = squared_errors(self.model.network, batches)
        if errors is None:
            raise RunError(f"fewer than {self.recipe.batch} held-out rows are left after straight ones are thinned")
        return {"val_loss": errors[0], "val_loss_of_0": errors[1]}

    def _settling_images(self, count: int) -> Iterator[Pixels]:
        paths, targets = self.draw(EVALUATION_EPOCH, False)
        draw = (paths[:count], targets[:count])
        return (crops for crops, _ in self.images.batches(draw, EVALUATION_EPOCH, self.learner.vary))
