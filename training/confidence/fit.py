"""Fits a model's confidence to frames that it learned, and to pictures made of them that are no road.

The network gives its statistics of some thousand frames once, and no weight of its own changes. Views from beside the
middle belong to what it knows, because the model has learned to steer back from there. Training's changes of light,
contrast and noise do not: with them, fog and rooms could hardly be told from roads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from models.confidence.classifier import FrameClassifier
from models.confidence.output import with_confidence
from models.confidence.statistics import statistics_of
from models.loading import load_steering_model
from protocol.messages import FRAME_ROWS
from training.confidence.exposure import exposures
from training.data.augment import augment
from training.data.crops import Pixels, decode_crops
from training.data.hood import draw_hoods
from training.data.samples import TRAIN, Drive, draw_epoch
from training.data.variations import Variations, draw_variations
from training.data.viewpoint import Rows, rows_to_read
from training.run.network import CROP_LAYER, SplitModel, build
from training.run.recipe import Recipe

VIEWS = 2048
"""So many frames; each gives two views, and two pictures that are no road."""

BATCH = 64

CALIBRATION_EPOCH = 10**6 + 1
"""No epoch of a training has this number, so its draw differs from every draw that was trained on."""


def fit_confidence(model: SplitModel, drives: Sequence[Drive], recipe: Recipe, seed: int) -> keras.Model:
    """The whole model with a confidence. drives: the recordings that the model learned. Raises RecordingError."""
    crop = model.whole.get_layer(CROP_LAYER).output
    statistics = keras.Model(crop, statistics_of(model.whole))
    learned: list[npt.NDArray[np.float32]] = []
    unlike: list[npt.NDArray[np.float32]] = []
    with tqdm(unit=" pictures", desc="confidence") as bar:
        for views, pictures in learned_views(drives, model.rows, recipe, seed):
            for crops, values in ((views, learned), (pictures, unlike)):
                values.append(keras.ops.convert_to_numpy(statistics.predict_on_batch(crops)))
                bar.update(len(crops))
    return with_confidence(model.whole, FrameClassifier.of(np.concatenate(learned), np.concatenate(unlike)))


def trained_model(path: Path, name: str, recipe: Recipe) -> SplitModel:
    """A trained model by its builder's name, without the confidence that its file may have. Raises ModelFileError."""
    model = build(name, recipe, "float32")
    file_model = load_steering_model(path).model
    for layer in (layer for layer in model.whole.layers if layer.weights):
        layer.set_weights(file_model.get_layer(layer.name).get_weights())
    return model


def learned_views(drives: Sequence[Drive], rows: Rows, recipe: Recipe, seed: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Yield batches of what the network sees of frames of `drives`, and of as many pictures that are no road.

    Both are uint8 (2 n, rows, 320, 3). The first half of the views is as it was recorded, the second is moved. recipe,
    seed: as of the training.
    """
    recipe = replace(
        recipe, brightness_low=1.0, brightness_high=1.0, tint=0.0, contrast_share=0.0, noise_share=0.0, shadow_share=0.0
    )
    paths, steering = draw_epoch(drives, recipe, seed, CALIBRATION_EPOCH, (TRAIN,))
    paths, steering = paths[:VIEWS], steering[:VIEWS]
    hoods = draw_hoods(np.concatenate([drive.images[:, 0] for drive in drives]), rows, seed)
    hoods = hoods if recipe.other_hood else hoods[:, :0]
    variations, _ = draw_variations(steering, recipe, rows, len(hoods), seed, CALIBRATION_EPOCH)
    read = rows_to_read(rows, recipe)
    for first in range(0, len(paths), BATCH):
        part = slice(first, first + BATCH)
        frames = decode_crops(paths[part], (0, FRAME_ROWS))
        batch_variations = Variations(*(values[part] for values in variations))
        moved = augment(frames[:, read[0] : read[1]], batch_variations, hoods, rows[1] - rows[0])
        views = np.concatenate([frames[:, rows[0] : rows[1]], keras.ops.convert_to_numpy(moved)])
        yield views, exposures(frames, len(views), seed + first)[:, rows[0] : rows[1]]
