"""Small model files for tests, and what loading them says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from models.loading import ModelFileError, load_steering_model

FRAMES = np.random.default_rng(3).integers(0, 256, (2, 160, 320, 3), dtype=np.uint8)


def small(shape: tuple[int, ...], *before: Any, units: int = 1, activation: str = "tanh") -> keras.Model:
    """A convolution and a head on an input of `shape`, in training's random state."""
    keras.utils.set_random_seed(5)
    head = [layers.Conv2D(2, 5, strides=4, name="conv"), layers.Flatten(), layers.Dense(units, activation, name="out")]
    return keras.Sequential([keras.Input(shape), *before, *head])


def saved(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def answer(model: keras.Model, x: Any = FRAMES) -> np.ndarray:
    return np.asarray(model(x, training=False))


def refusal(path: Path, preprocess: str | None = None) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_steering_model(path, preprocess)
    message = str(caught.value)
    assert "\n" not in message
    return message
