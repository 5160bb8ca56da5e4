"""Trains a tiny network with several seeds on JAX: each alone, side by side, and side by side with a stop on the way.

python learn_seeds.py RECORDING FOLDER

It prints JSON: the errors of the seeds' states and figures against those alone, and what ran side by side.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers

from models.steering import BUILDERS
from training.compare import seeds
from training.compare.seeds import PlannedRun, Seeds, train_all
from training.run.recipe import Recipe
from training.run.run import TrainingRun, TrainingSettings
from training.run.steps import jax_seeds

SEEDS = (1, 2, 3)
RECIPE = replace(Recipe(), epochs=2, refit_epochs=1, batch=8, steps=4, average_horizon_steps=3, driven_checkpoints=0)


def tiny(*, block_dropout: float, head_dropout: float) -> keras.Model:
    """A network with all that a step changes: weights, batch norms' means and dropout's seeds.

    Only linear layers without a bias stand before the batch norm. A bias would have a gradient of
    mere rounding there, of which Adam makes whole steps.
    """
    frames = keras.Input((160, 320, 3), dtype="uint8")
    x = layers.Cropping2D(((80, 20), (0, 0)), name="preprocess_crop")(frames)
    x = layers.Rescaling(1 / 255, -0.5)(x)
    x = layers.Conv2D(4, (2, 1), strides=(10, 10), padding="same")(x)
    x = layers.LeakyReLU()(layers.DepthwiseConv2D((1, 3), padding="same")(x))
    x = layers.BatchNormalization(momentum=0.5)(layers.Dense(6, use_bias=False)(layers.Flatten()(x)))
    x = layers.Dropout(0.3)(layers.Activation("tanh")(x))
    return keras.Model(frames, layers.Dense(1)(x))


def runs(recording: Path, folder: Path) -> list[PlannedRun]:
    """One run for each seed, in a folder each."""
    settings = TrainingSettings("eff-tiny", (str(recording),), 0, None, "float32", RECIPE)
    places = [(replace(settings, seed=seed), folder / str(seed)) for seed in SEEDS]
    return [PlannedRun(settings, place, place / "tiny.h5") for settings, place in places]


def states(folder: Path) -> list[dict[str, np.ndarray]]:
    """The arrays of the seeds' last checkpoints: weights, optimizers and averages."""
    return [dict(np.load(folder / str(seed) / "checkpoint.npz")) for seed in SEEDS]


def error(folder: Path, expected: Path) -> float:
    """The largest difference between the same arrays of two folders' checkpoints, and of the same epochs' losses."""
    differences = []
    for state, other in zip(states(folder), states(expected), strict=True):
        assert state.keys() == other.keys()
        rows, other_rows = json.loads(str(state.pop("history"))), json.loads(str(other.pop("history")))
        assert [row["epoch"] for row in rows] == [row["epoch"] for row in other_rows] == [1, 2, 3]
        differences += [abs(row["loss"] - other["loss"]) for row, other in zip(rows, other_rows, strict=True)]
        differences += [np.abs(state[name].astype(np.float64) - other[name]).max() for name in state]
    return float(max(differences))


class Stopped(Exception):
    """Ends a training between the saves of two seeds."""


def stopped_and_resumed(recording: Path, folder: Path) -> None:
    """Stop after the first seed has saved its second epoch, and let the same call resume."""
    save = TrainingRun.save

    def dying(self, network, average, epoch):
        save(self, network, average, epoch)
        if epoch["epoch"] == 2:
            raise Stopped

    TrainingRun.save = dying
    try:
        list(train_all(runs(recording, folder), folder / "crops"))
    except Stopped:
        saved = [len((folder / str(seed) / "epochs.csv").read_text().splitlines()) - 1 for seed in SEEDS]
        assert saved == [2, 1, 1], saved
    TrainingRun.save = save
    list(train_all(runs(recording, folder), folder / "crops"))


def main(recording: Path, folder: Path) -> None:
    """Train and print."""
    BUILDERS["eff-tiny"] = tiny
    sizes, learn = [], Seeds._learn

    def counted(self, trainings, *rest):
        sizes.append(len(trainings))
        return learn(self, trainings, *rest)

    Seeds._learn = counted
    list(train_all(runs(recording, folder / "alone"), folder / "crops"))
    alone = list(sizes)

    seeds._has_gpu = lambda: True
    cards = [card for _, card in train_all(runs(recording, folder / "together"), folder / "crops")]
    together, sizes[:] = list(sizes), []
    stopped_and_resumed(recording, folder / "stopped")
    stopped, sizes[:] = list(sizes), []
    jax_seeds.free_bytes = lambda device: 0
    list(train_all(runs(recording, folder / "small"), folder / "crops"))
    result = {
        "errors": {name: error(folder / name, folder / "alone") for name in ("together", "stopped", "small")},
        "sizes": {"alone": alone, "together": together, "stopped": stopped, "small": sizes},
        "cards": [[card.seed, card.samples, card.metrics["all"]["mae"]] for card in cards],
        "difference": float(
            np.abs(states(folder / "together")[0]["weight_0"] - states(folder / "together")[1]["weight_0"]).max()
        ),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
