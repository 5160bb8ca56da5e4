"""The steering networks: a raw camera frame in, a steering value out.

Crop, resizing and scaling are layers of the graph. A saved file therefore sees the same pixels in training and in a
drive, and loads with Keras alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
from keras import layers

from models import EFFNET
from models.blocks import LEAKY_SLOPE, conv_block, effnet_block
from models.preprocessing.named import named
from protocol.messages import FRAME_SHAPE

BASELINE_BLOCKS = ((64, 5), (64, 3), (64, 3), (128, 3), (128, 3))
"""Output channels and kernel size of each block."""

EFF_BLOCKS = ((32, 64), (32, 64), (32, 64), (64, 128), (64, 128))
"""Inner and output channels of each block."""

HEAD_UNITS = (256, 128, 64)

EFF_SMALL_BLOCKS = ((16, 32), (16, 48), (32, 64), (32, 64), (32, 64))
EFF_TINY_BLOCKS = ((16, 32), (16, 32), (16, 32), (32, 64), (32, 64))
EFF_MINI_BLOCKS = ((8, 16), (8, 16), (8, 16), (16, 32), (16, 32))
EFF_MICRO_BLOCKS = ((4, 8), (4, 8), (8, 16), (8, 16), (8, 16))
BASELINE_TINY_BLOCKS = ((16, 5), (16, 3), (16, 3), (32, 3), (32, 3))
BASELINE_MINI_BLOCKS = ((8, 5), (8, 3), (8, 3), (16, 3), (16, 3))
SMALL_HEAD_UNITS = (64, 32)
MINI_HEAD_UNITS = (32, 16)
TINY_SQUEEZE = 16
WIDE_BLOCKS = 2
"""So many last blocks of an EffNet have twice the channels of the others."""

PILOTNET_CONVOLUTIONS = ((24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1))
"""Output channels, kernel size and stride of each convolution."""

PILOTNET_HEAD_UNITS = (100, 50, 10)


def baseline(
    name: str = "baseline",
    *,
    blocks: Sequence[tuple[int, int]] = BASELINE_BLOCKS,
    head_units: Sequence[int] = HEAD_UNITS,
    block_dropout: float = 0.2,
    head_dropout: float = 0.5,
) -> keras.Model:
    """The study's plain network: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), steering -1..1, positive right.

    865,921 parameters, 296.3 million multiply-accumulates. The dropout rates are the study's. blocks: output channels
    and kernel size of each; head_units: units of the dense layers before the last.
    """
    frames = _frames()
    x = named("origin")(frames)
    for number, (channels, kernel) in enumerate(blocks, 1):
        x = conv_block(x, channels, kernel, name=f"block{number}", dropout=block_dropout)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(head_units, 1):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
        x = layers.Dropout(head_dropout, name=f"dense{number}_dropout")(x)
    return keras.Model(frames, _steering(x), name=name)


def eff(*, block_dropout: float = 0.25, head_dropout: float = 0.5, batch_norm_momentum: float = 0.99) -> keras.Model:
    """The study's slim network: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), steering -1..1, positive right.

    630,433 parameters, of which the first dense layer has 524,544; 40.2 million multiply-accumulates, or 40.7 with the
    study's list of layers, see `effnet_block`. The dropout rates are the study's.
    """
    return effnet(
        "eff", block_dropout=block_dropout, head_dropout=head_dropout, batch_norm_momentum=batch_norm_momentum
    )


def effnet(
    name: str,
    *,
    blocks: Sequence[tuple[int, int]] = EFF_BLOCKS,
    squeeze: int = 0,
    head_units: Sequence[int] = HEAD_UNITS,
    kernel: tuple[int, int] = (2, 1),
    block_dropout: float = 0.25,
    head_dropout: float = 0.5,
    batch_norm_momentum: float = 0.99,
) -> keras.Model:
    """A network of EffNet blocks: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), steering -1..1, positive right.

    blocks: inner and output channels of each; kernel: of their last convolution, see `effnet_block`. squeeze: channels
    after a 1x1 convolution before the head, 0 to omit it. It shrinks the first dense layer and, unlike a pooling, keeps
    left and right apart. head_units: units of the dense layers before the last.
    """
    frames = _frames()
    x = named("origin")(frames)
    for number, (channels_in, channels_out) in enumerate(blocks, 1):
        x = effnet_block(x, channels_in, channels_out, name=f"block{number}", kernel=kernel, dropout=block_dropout)
    if squeeze:
        x = layers.Conv2D(squeeze, 1, use_bias=False, kernel_initializer="he_normal", name="squeeze")(x)
        x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE, name="squeeze_act")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(head_units, 1):
        x = layers.Dense(units, kernel_initializer="he_normal", name=f"dense{number}")(x)
        x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE, name=f"dense{number}_act")(x)
        x = layers.BatchNormalization(momentum=batch_norm_momentum, name=f"dense{number}_norm")(x)
        x = layers.Dropout(head_dropout, name=f"dense{number}_dropout")(x)
    return keras.Model(frames, _steering(x), name=name)


def pilotnet(*, block_dropout: float = 0.0, head_dropout: float = 0.0) -> keras.Model:
    """NVIDIA's network: uint8 RGB (n, 160, 320, 3) -> float32 (n, 1), steering -1..1, positive right.

    252,219 trainable parameters and 12 fixed ones that convert RGB to YUV; 26.9 million multiply-accumulates. The paper
    names neither activation nor dropout: ELU is the choice of public Udacity networks. block_dropout is applied once,
    after the convolutions, and head_dropout after each dense layer.

    Source: Bojarski et al., "End to End Learning for Self-Driving Cars", arXiv 1604.07316, figure 4.
    """
    frames = _frames()
    x = named("pilotnet")(frames)
    for number, (channels, size, step) in enumerate(PILOTNET_CONVOLUTIONS, 1):
        x = layers.Conv2D(
            channels, size, step, activation="elu", kernel_initializer="he_normal", name=f"convolution{number}"
        )(x)
    x = layers.Dropout(block_dropout, name="convolution_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(PILOTNET_HEAD_UNITS, 1):
        x = layers.Dense(units, activation="elu", kernel_initializer="he_normal", name=f"dense{number}")(x)
        x = layers.Dropout(head_dropout, name=f"dense{number}_dropout")(x)
    return keras.Model(frames, _steering(x), name="pilotnet")


BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "baseline": baseline,
    "eff": eff,
    "eff-small": partial(effnet, "eff-small", blocks=EFF_SMALL_BLOCKS, head_units=SMALL_HEAD_UNITS),
    "eff-tiny": partial(effnet, "eff-tiny", blocks=EFF_TINY_BLOCKS, squeeze=TINY_SQUEEZE, head_units=SMALL_HEAD_UNITS),
    "eff-mini": partial(effnet, "eff-mini", blocks=EFF_MINI_BLOCKS, squeeze=8, head_units=MINI_HEAD_UNITS),
    "eff-micro": partial(effnet, "eff-micro", blocks=EFF_MICRO_BLOCKS, squeeze=8, head_units=MINI_HEAD_UNITS[1:]),
    "baseline-tiny": partial(baseline, "baseline-tiny", blocks=BASELINE_TINY_BLOCKS, head_units=SMALL_HEAD_UNITS),
    "baseline-mini": partial(baseline, "baseline-mini", blocks=BASELINE_MINI_BLOCKS, head_units=MINI_HEAD_UNITS),
    "eff-1x2": partial(effnet, "eff-1x2", kernel=(1, 2)),
    "pilotnet": pilotnet,
}
"""The networks' builders by their names on the command line, as in `models.NETWORKS`.

eff-small has 89,905 parameters, three quarters of them in its head, and 13.7 million multiply-accumulates. eff-tiny
has 36,049 and 11.0 million: half of eff's channels, squeezed to 16 before the head. eff-1x2 is eff with the paper's
other reading of the last kernel.
"""


def builder(name: str) -> Callable[..., keras.Model]:
    """The builder of BUILDERS, or of an EffNet of another depth and width. Raises ValueError for an unknown name.

    `effnet-4x48` has four blocks and eff-tiny's head: the last two blocks give 2 x 48 channels and the others 48, each
    with half as many inside. So effnet-5x32 is eff-tiny.
    """
    if name in BUILDERS:
        return BUILDERS[name]
    shape = EFFNET.fullmatch(name)
    if shape is None:
        raise ValueError(f"there is no network {name!r}")
    depth, width = int(shape[1]), int(shape[2])
    outputs = [width] * (depth - WIDE_BLOCKS) + [2 * width] * min(depth, WIDE_BLOCKS)
    blocks = [(channels // 2, channels) for channels in outputs]
    return partial(effnet, name, blocks=blocks, squeeze=TINY_SQUEEZE, head_units=SMALL_HEAD_UNITS)


def _frames() -> Any:
    return keras.Input(FRAME_SHAPE, dtype="uint8", name="frames")


def _steering(x: Any) -> Any:
    """The last layer, always in float32, because the 8 bits of bfloat16's mantissa are too few for steering.

    Its weights begin near 0: with Keras' default they answer with full lock, and unlearning that takes thousands of
    steps.
    """
    start = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(1, kernel_initializer=start, dtype="float32", name="steering")(x)
