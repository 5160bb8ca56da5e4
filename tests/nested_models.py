"""Models inside models, which tests build."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def block(name: str, shape: tuple[int, ...], *more: Any) -> keras.Model:
    """A Sequential whose layers have the same names in every block."""
    inner = [layers.Conv2D(3, 3, strides=2, name="conv"), layers.BatchNormalization(name="norm"), *more]
    return keras.Sequential([keras.Input(shape), *inner], name=name)


def functional(name: str, shape: tuple[int, ...]) -> keras.Model:
    """A functional model with a branch, whose layers have the names of `block`."""
    x = keras.Input(shape)
    y = layers.BatchNormalization(name="norm")(layers.Conv2D(3, 3, padding="same", name="conv")(x))
    return keras.Model(x, layers.Add()([x, y]), name=name)


def in_a_row(x: Any) -> Any:
    return functional("second", (79, 159, 3))(block("first", (160, 320, 3))(x))


def in_each_other(x: Any) -> Any:
    """Three deep, with the same names on every level and a Sequential built from the outside."""
    deepest = keras.Sequential([layers.Conv2D(2, 3, strides=3, name="conv"), layers.ReLU()], name="deepest")
    middle = block("middle", (79, 159, 3), functional("inside", (39, 79, 3)), deepest)
    return block("outer", (160, 320, 3), middle)(x)


def called_twice(x: Any) -> Any:
    """A model and a layer with the same weights for both halves of the frame."""
    tower = block("tower", (80, 320, 3), layers.GlobalAveragePooling2D())
    head = layers.Dense(4, activation="tanh", name="head")
    halves = [layers.Cropping2D(((0, 80), (0, 0)))(x), layers.Cropping2D(((80, 0), (0, 0)))(x)]
    return layers.Subtract()([head(tower(half)) for half in halves])
