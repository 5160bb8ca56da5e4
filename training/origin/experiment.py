"""One network trained as the study trained it; killed, it goes on where it was, to the same result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from models.whole_files import write_csv
from simulator.agreement import agreement
from training.dropout import reseed_dropout
from training.fast_layers import faster
from training.held_out import Metrics, held_out_metrics, predict
from training.network import SplitModel, build
from training.origin.recipe import HELD_OUT_SHARE, ORIGIN, PATIENCE, RECIPES, STEPS, ZEROS_DROPPED
from training.pipeline import training_batches
from training.run_folder import claim, opened, restore, save
from training.samples import HELD_OUT, TRAIN, corrected, load_whole

Rows = npt.NDArray[np.intp]
Draw = tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]
History = list[dict[str, float]]


class Data:
    """The rows of recordings, split at random as the study did."""

    def __init__(self, recordings: Sequence[Path], seed: int) -> None:
        drives = load_whole(recordings, ORIGIN, TRAIN)
        self.seed = seed
        self.names = [drive.name for drive in drives]
        self.images = np.concatenate([drive.images for drive in drives])
        self.steering = np.concatenate([drive.steering for drive in drives])
        shuffled = np.random.default_rng(seed).permutation(len(self.steering))
        held_out = round(HELD_OUT_SHARE * len(shuffled))
        self.held_out, self.train = shuffled[:held_out], shuffled[held_out:]

    def epoch(self, number: int) -> Draw:
        """Images and targets of STEPS batches, drawn with repetition."""
        rng = np.random.default_rng((self.seed, number))
        return self._seen(rng.choice(self._thinned(self.train, rng), STEPS * ORIGIN.batch), rng)

    def validation(self) -> Draw:
        """The held-out rows, thinned and seen like those that are learned; the same after each epoch."""
        rng = np.random.default_rng((self.seed, 10**6))
        return self._seen(self._thinned(self.held_out, rng), rng)

    def _thinned(self, rows: Rows, rng: np.random.Generator) -> Rows:
        return rows[(self.steering[rows] != 0) | (rng.random(len(rows)) >= ZEROS_DROPPED)]

    def _seen(self, rows: Rows, rng: np.random.Generator) -> Draw:
        """A camera for each row, and the steering that it asks for."""
        camera = rng.integers(3, size=len(rows))
        camera[self.images[rows, camera] == ""] = 0
        return self.images[rows, camera], corrected(self.steering[rows], camera, ORIGIN.side_camera)


def train(name: str, data: Data, folder: Path, precision: str) -> History:
    """Train, or go on; the figures of each epoch. The best epoch's weights lie in `folder` as NAME.h5.

    Raises RunError for a folder of other settings.
    """
    about = {"recordings": data.names, "rows": len(data.steering)}
    settings = {"model": name, "seed": data.seed, "precision": precision, **about}
    _lock = claim(folder, json.dumps(settings, indent=2) + "\n")
    keras.utils.set_random_seed(data.seed)
    model = build(name, RECIPES[name], precision)
    model = replace(model, network=faster(model.network))
    model.network.compile(keras.optimizers.Adam(ORIGIN.learning_rate), loss="mse")
    checkpoint, history = folder / "checkpoint.npz", History()
    if checkpoint.exists():
        with opened(checkpoint, "delete it to begin again") as state:
            history = restore(model.network, state)
    images = ORIGIN.epochs * STEPS * ORIGIN.batch
    done = len(history) * STEPS * ORIGIN.batch
    with tqdm(total=images, initial=done, unit=" samples", unit_scale=True, mininterval=1.0, desc=name) as bar:
        while len(history) < ORIGIN.epochs and len(history) - best_epoch(history) < PATIENCE:
            row = {"epoch": len(history) + 1, "loss": _learn(model, data, len(history), bar), **_validate(model, data)}
            history.append(row)
            if best_epoch(history) == len(history):
                _save_whole(model, name, folder / f"{name}.h5")
            save(checkpoint, history, model.network)
            write_csv(folder / "epochs.csv", history)
    return history


def best_epoch(history: History) -> int:
    """The number, from 1, of the epoch with the least validation loss; 0 before the first."""
    return 1 + int(np.argmin([row["val_loss"] for row in history])) if history else 0


def _learn(model: SplitModel, data: Data, epoch: int, bar: tqdm[NoReturn]) -> float:
    reseed_dropout(model.network, data.seed, epoch)
    losses = []
    for crops, steering in training_batches(*data.epoch(epoch), model.rows, ORIGIN, (data.seed, epoch), None):
        losses.append(float(model.network.train_on_batch(crops, steering)))
        bar.update(ORIGIN.batch)
        bar.set_postfix(epoch=epoch + 1, loss=f"{np.mean(losses):.4f}", refresh=False)
    return float(np.mean(losses))


def _validate(model: SplitModel, data: Data) -> dict[str, float]:
    """Mean squared errors on whole batches of the held-out rows: the network's, and that of always answering 0."""
    batches = training_batches(*data.validation(), model.rows, ORIGIN, (data.seed, 10**6), None)
    errors, zeros = [], []
    for crops, steering in batches:
        answers = np.asarray(model.network.predict_on_batch(crops), np.float64)
        errors.append(np.mean((answers - np.asarray(steering)) ** 2))
        zeros.append(np.mean(np.asarray(steering, np.float64) ** 2))
    return {"val_loss": float(np.mean(errors)), "val_loss_of_0": float(np.mean(zeros))}


def _save_whole(model: SplitModel, name: str, path: Path) -> None:
    """In float32, whatever it was trained in."""
    whole = build(name, RECIPES[name], "float32")
    whole.network.set_weights(model.network.get_weights())
    whole.whole.save(path)


def judge(name: str, folder: Path, data: Data, tests: Sequence[Path]) -> Metrics:
    """Agreement with people of the kept weights, on images as driving shows them.

    Keys: `held-out rows`, whose neighbours were learned; then, for each recording of `tests`, its name, and that with
    `, 1 s means`.
    """
    model = build(name, RECIPES[name], "float32")
    model.whole.load_weights(folder / f"{name}.h5")
    answer = predict(model.network, data.images[data.held_out, 0], model.rows)
    found = {"held-out rows": agreement(answer, data.steering[data.held_out]).figures()}
    drives = load_whole(tests, ORIGIN, HELD_OUT)
    metrics = held_out_metrics(model.network, drives, model.rows)
    return found | {key: metrics[key] for drive in drives for key in (drive.name, f"{drive.name}, 1 s means")}
