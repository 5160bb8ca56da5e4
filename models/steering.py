"""The steering networks: a raw camera frame goes in, a steering value comes out.

Crop, resize and scaling are layers of the graph, so a saved file is the whole brain: it is trained and driven with the
same pixels, and it loads with Keras alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from models.blocks import conv_block, effnet_block
from models.preprocessing import PREPROCESSINGS
from protocol.messages import FRAME_SHAPE

BASELINE_BLOCKS = ((64, 5), (64, 3), (64, 3), (128, 3), (128, 3))
"""Channels and kernel size of each block."""

EFF_BLOCKS = ((32, 64), (32, 64), (32, 64), (64, 128), (64, 128))
"""Channels inside and out of each block."""

HEAD_UNITS = (256, 128, 64)

EFF_SMALL_BLOCKS = ((16, 32), (16, 48), (32, 64), (32, 64), (32, 64))
SMALL_HEAD_UNITS = (64, 32)


def baseline(*, block_dropout: float = 0.2, head_dropout: float = 0.5) -> keras.Model:
    """The study's plain network: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), steering -1..1, positive right.

    865,921 parameters, 296.3 million multiply-accumulates. The dropout rates are the study's; they have no parameters.
    """
    frames = _frames()
    x = PREPROCESSINGS["origin"](frames)
    for number, (channels, kernel) in enumerate(BASELINE_BLOCKS, 1):
        x = conv_block(x, channels, kernel, name=f"block{number}", dropout=block_dropout)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(HEAD_UNITS, 1):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
        x = layers.Dropout(head_dropout, name=f"dense{number}_dropout")(x)
    return keras.Model(frames, _steering(x), name="baseline")


def eff(*, block_dropout: float = 0.25, head_dropout: float = 0.5, batch_norm_momentum: float = 0.99) -> keras.Model:
    """The slim network of EffNet blocks: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), steering -1..1, positive right.

    630,433 parameters, 40.2 million multiply-accumulates. The dropout rates are the study's; they have no parameters.
    """
    return _effnet("eff", EFF_BLOCKS, HEAD_UNITS, block_dropout, head_dropout, batch_norm_momentum)


def eff_small(
    *, block_dropout: float = 0.25, head_dropout: float = 0.5, batch_norm_momentum: float = 0.99
) -> keras.Model:
    """A slimmer one, most of all in the head: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), as `eff`.

    89,905 parameters, 13.7 million multiply-accumulates. 524,544 of eff's parameters are its first dense layer; here
    half the channels reach it, and it is a quarter as wide.
    """
    return _effnet("eff-small", EFF_SMALL_BLOCKS, SMALL_HEAD_UNITS, block_dropout, head_dropout, batch_norm_momentum)


def _effnet(
    name: str,
    blocks: tuple[tuple[int, int], ...],
    units: tuple[int, ...],
    block_dropout: float,
    head_dropout: float,
    batch_norm_momentum: float,
) -> keras.Model:
    """EffNet blocks of (channels inside, channels out), then dense layers of `units` with batch norm."""
    frames = _frames()
    x = PREPROCESSINGS["origin"](frames)
    for number, (channels_in, channels_out) in enumerate(blocks, 1):
        x = effnet_block(x, channels_in, channels_out, name=f"block{number}", dropout=block_dropout)
    x = layers.Flatten(name="flatten")(x)
    for number, width in enumerate(units, 1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"dense{number}")(x)
        x = layers.LeakyReLU(negative_slope=0.3, name=f"dense{number}_act")(x)
        x = layers.BatchNormalization(momentum=batch_norm_momentum, name=f"dense{number}_norm")(x)
        x = layers.Dropout(head_dropout, name=f"dense{number}_dropout")(x)
    return keras.Model(frames, _steering(x), name=name)


BUILDERS: dict[str, Callable[..., keras.Model]] = {"baseline": baseline, "eff": eff, "eff-small": eff_small}
"""Every network by the name that the command line takes."""


def _frames() -> Any:
    return keras.Input(FRAME_SHAPE, dtype="uint8", name="frames")


def _steering(x: Any) -> Any:
    """The last layer keeps float32 whatever the precision before it, for 8 bits of mantissa are too few to steer with.

    It begins near 0: a default start answers with full lock, and unlearning that costs thousands of steps.
    """
    start = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(1, kernel_initializer=start, dtype="float32", name="steering")(x)
