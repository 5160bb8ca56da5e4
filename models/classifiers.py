"""The study's classifiers: raw pixels in, a probability for each class out.

Standardisation is a layer of the graph, so that a saved file is complete, as with the steering networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
from keras import layers

from models.blocks import conv_block, depthwise_separable_block, effnet_block, shufflenet_block

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Dropouts:
    """Dropout rates: after each block, and before the last layer."""

    block: float = 0.25
    head: float = 0.25


DIGIT_EFF_BLOCKS = ((16, 32), (32, 64), (32, 64), (64, 128))
"""Inner and output channels of each block."""

CIFAR_WIDTHS = (64, 128, 256)
"""Output channels of the stages, at 16x16, 8x8 and 4x4 places.

The paper's table of layers was not available; the widths are inferred from its budgets. Three such stages and a dense
layer, at two operations per multiply-accumulate, need 79.1 of 80.3 million operations (baseline), 5.8 of 5.8
(MobileNet) and 11.3 of 11.4 (EffNet, every column computed). Two stages would need 41.5, 5.0 and 7.1.
"""

CIFAR_EFF_BLOCKS = ((32, 64), (64, 128), (128, 256))

EFF_LARGE_BLOCKS = ((128, 160), (192, 320), (288, 384), (256, 384), (256, 256))
"""Two more and wider blocks than `effnet`'s, at the baseline's budget."""


def digits_baseline(*, dropouts: Dropouts | None = None, start: str = "he") -> keras.Model:
    """The study's plain digit network: uint8 (n, 28, 28, 1) -> float32 (n, 10), 147,658 trainable parameters.

    start: without effect here, because plain convolutions keep Keras' initialisation; `digits_eff` uses it.
    """
    rates = dropouts or Dropouts()
    pixels, x = _pixels("digits")
    x = conv_block(x, 32, 3, name="block1", padding="valid", dropout=min(0.2, rates.block), dropout_last=True)
    for number, channels in enumerate((64, 64, 128), 2):
        x = conv_block(x, channels, 3, name=f"block{number}", dropout=rates.block, dropout_last=True)
    return keras.Model(pixels, _digit_head(x, rates.head), name="digits-baseline")


def digits_eff(*, dropouts: Dropouts | None = None, start: str = "he") -> keras.Model:
    """The study's slim digit network: uint8 (n, 28, 28, 1) -> float32 (n, 10), 68,090 trainable parameters.

    start: initialisation, "keras" as in the study, or "he", see `models.convolutions`.
    """
    rates = dropouts or Dropouts()
    pixels, x = _pixels("digits")
    for number, (inside, out) in enumerate(DIGIT_EFF_BLOCKS, 1):
        x = effnet_block(
            x, inside, out, name=f"block{number}", slope=0.0, dropout=rates.block, pool_padding="valid", start=start
        )
    return keras.Model(pixels, _digit_head(x, rates.head), name="digits-eff")


def cifar_baseline(*, dropouts: Dropouts | None = None) -> keras.Model:
    """Three plain 3x3 convolutions: uint8 (n, 32, 32, 3) -> float32 (n, 10), 39.5 million multiply-accumulates."""
    rates = dropouts or Dropouts()
    pixels, x = _pixels("cifar10")
    for number, channels in enumerate(CIFAR_WIDTHS, 1):
        x = conv_block(x, channels, 3, name=f"block{number}", dropout=rates.block, batch_norm=True)
    return _cifar_model(pixels, x, rates, "cifar10-baseline")


def cifar_mobilenet(*, dropouts: Dropouts | None = None) -> keras.Model:
    """A plain convolution, then MobileNet's blocks: uint8 (n, 32, 32, 3) -> float32 (n, 10).

    2.9 million multiply-accumulates.
    """
    rates = dropouts or Dropouts()
    pixels, x = _pixels("cifar10")
    x = conv_block(x, CIFAR_WIDTHS[0], 3, name="block1", dropout=rates.block, batch_norm=True)
    for number, channels in enumerate(CIFAR_WIDTHS[1:], 2):
        x = depthwise_separable_block(x, channels, name=f"block{number}", batch_norm=True)
        x = layers.Dropout(rates.block, name=f"block{number}_dropout")(x)
    return _cifar_model(pixels, x, rates, "cifar10-mobilenet")


def cifar_shufflenet(*, dropouts: Dropouts | None = None) -> keras.Model:
    """A plain convolution, then ShuffleNet's units: uint8 (n, 32, 32, 3) -> float32 (n, 10).

    2.2 million multiply-accumulates. As in ShuffleNet, a unit has a quarter as many inner channels as output channels.
    """
    rates = dropouts or Dropouts()
    pixels, x = _pixels("cifar10")
    x = conv_block(x, CIFAR_WIDTHS[0], 3, name="block1", dropout=rates.block, batch_norm=True)
    for number, channels in enumerate(CIFAR_WIDTHS[1:], 2):
        x = shufflenet_block(x, channels // 4, channels, name=f"block{number}", batch_norm=True)
        x = layers.Dropout(rates.block, name=f"block{number}_dropout")(x)
    return _cifar_model(pixels, x, rates, "cifar10-shufflenet")


def cifar_effnet(
    name: str,
    *,
    blocks: Sequence[tuple[int, int]] = CIFAR_EFF_BLOCKS,
    kernel: tuple[int, int] = (2, 1),
    dropouts: Dropouts | None = None,
) -> keras.Model:
    """EffNet blocks from the first layer on: uint8 (n, 32, 32, 3) -> float32 (n, 10).

    kernel: of each block's last convolution; the paper allows two readings, see `effnet_block`.
    """
    rates = dropouts or Dropouts()
    pixels, x = _pixels("cifar10")
    for number, (inside, out) in enumerate(blocks, 1):
        x = effnet_block(x, inside, out, name=f"block{number}", kernel=kernel, dropout=rates.block, batch_norm=True)
    return _cifar_model(pixels, x, rates, name)


@dataclass(frozen=True, slots=True)
class Task:
    """A classification task. mean, deviation: of the training set's pixels, 0 to 255; networks: builders by name."""

    shape: Shape
    classes: tuple[str, ...]
    mean: float
    deviation: float
    networks: dict[str, Callable[..., keras.Model]]


TASKS = {
    "digits": Task(
        (28, 28, 1),
        tuple("0123456789"),
        33.318,
        78.567,
        {"baseline": digits_baseline, "eff": digits_eff},
    ),
    "cifar10": Task(
        (32, 32, 3),
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        120.708,
        64.150,
        {
            "baseline": cifar_baseline,
            "mobilenet": cifar_mobilenet,
            "shufflenet": cifar_shufflenet,
            "effnet": partial(cifar_effnet, "cifar10-effnet"),
            "effnet-1x2": partial(cifar_effnet, "cifar10-effnet-1x2", kernel=(1, 2)),
            "effnet-large": partial(cifar_effnet, "cifar10-effnet-large", blocks=EFF_LARGE_BLOCKS),
        },
    ),
}


def _pixels(task_name: str) -> tuple[Any, Any]:
    """The input of raw pixels, and the pixels with mean 0 and deviation 1 over the training set."""
    task = TASKS[task_name]
    pixels = keras.Input(task.shape, dtype="uint8", name="pixels")
    standard = layers.Rescaling(1 / task.deviation, -task.mean / task.deviation, name="preprocess_standardise")
    return pixels, standard(pixels)


def _digit_head(x: Any, dropout: float) -> Any:
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", name="dense1")(x)
    x = layers.BatchNormalization(name="dense1_norm")(x)
    x = layers.Dropout(dropout, name="dense1_dropout")(x)
    return _probabilities(x)


def _cifar_model(pixels: Any, x: Any, rates: Dropouts, name: str) -> keras.Model:
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(rates.head, name="flatten_dropout")(x)
    return keras.Model(pixels, _probabilities(x), name=name)


def _probabilities(x: Any) -> Any:
    """The last layer, always in float32, whatever the precision before it."""
    return layers.Dense(10, activation="softmax", dtype="float32", name="classes")(x)
