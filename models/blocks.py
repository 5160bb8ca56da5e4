"""The convolutional blocks of the slimming study, each a small function x -> x over built-in Keras layers.

A block is the unit in which the networks differ: the same head on other blocks is another model, so each block states
its picture and its cost beside its code.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

LEAKY_SLOPE = 0.3
"""LeakyReLU's slope for negative inputs, as the study uses it for steering."""


def effnet_block(
    x: Any,
    channels_in: int,
    channels_out: int,
    *,
    name: str,
    kernel: tuple[int, int] = (2, 1),
    slope: float = LEAKY_SLOPE,
    dropout: float = 0.25,
) -> Any:
    """The study's EffNet block: (n, h, w, c) float -> (n, h/2, w/2, channels_out) float.

        c -[1x1]-> in -[1x3 depthwise]-> in -[max 2x1]-> in -[3x1 depthwise]-> in -[2x1]-> out
        h x w      h x w                 h/2 x w/2       h/2 x w/2             h/2 x w/2

    Every convolution is 'same', without bias, and followed by LeakyReLU (`slope` 0 is ReLU). The study halves the width
    by the last convolution's stride. No kernel of it after the pooling is wider than one column, so every second column
    would be computed there only to be dropped: here the pooling's own stride drops them, which is the same function
    of the same weights with half the work in the second depthwise step.

    The study's last `kernel`, (2, 1), lies across the axis that is already pooled. The paper allows another reading,
    (1, 2), along the axis that its stride halves, so that no column is dropped unseen.

    Parameters: in * (c + 3 + 3 + 2 * out). Multiply-accumulates: h * w * in * (c + 3 + 3/4 + out/2); with kernel (1, 2)
    or in the study's own list of layers, whose second depthwise step sees all columns, 3/2 in place of 3/4.
    A plain 3x3 convolution with 2x2 pooling has 9 * c * out and h * w * 9 * c * out.

    Raises ValueError for another kernel.
    Source: Freeman, Roese-Koerner, Kummert, "EffNet", arXiv 1801.06434, as "Using EffNet to slim models" builds it.
    """
    if kernel not in ((2, 1), (1, 2)):
        raise ValueError(f"expected kernel (2, 1) or (1, 2), got {kernel}")
    pool_step, mix_step = (2, 1) if kernel == (2, 1) else (1, 2)
    x = _conv(x, channels_in, (1, 1), slope, f"{name}_expand")
    x = _depthwise(x, (1, 3), slope, f"{name}_across")
    x = layers.MaxPooling2D((2, 1), strides=(2, pool_step), padding="same", name=f"{name}_pool")(x)
    x = _depthwise(x, (3, 1), slope, f"{name}_down")
    x = _conv(x, channels_out, kernel, slope, f"{name}_mix", strides=(1, mix_step))
    return layers.Dropout(dropout, name=f"{name}_dropout")(x)


def conv_block(
    x: Any, channels_out: int, kernel: int, *, name: str, padding: str = "same", dropout: float = 0.2
) -> Any:
    """The plain block of the baselines: (n, h, w, c) float -> (n, h/2, w/2, channels_out) float.

        c -[k x k, ReLU]-> out -[dropout]-> out -[max 2x2]-> out
        h x w              h x w                 h/2 x w/2

    Parameters: (k * k * c + 1) * out. Multiply-accumulates: h * w * k * k * c * out.
    """
    x = layers.Conv2D(channels_out, kernel, padding=padding, activation="relu", name=f"{name}_conv")(x)
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.MaxPooling2D(2, name=f"{name}_pool")(x)


def _conv(
    x: Any, channels: int, kernel: tuple[int, int], slope: float, name: str, strides: tuple[int, int] = (1, 1)
) -> Any:
    x = layers.Conv2D(
        channels,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.LeakyReLU(negative_slope=slope, name=f"{name}_act")(x)


def _depthwise(x: Any, kernel: tuple[int, int], slope: float, name: str) -> Any:
    x = layers.DepthwiseConv2D(
        kernel,
        padding="same",
        use_bias=False,
        depthwise_initializer=depthwise_he_normal(kernel),
        name=name,
    )(x)
    return layers.LeakyReLU(negative_slope=slope, name=f"{name}_act")(x)


def depthwise_he_normal(kernel: tuple[int, int]) -> keras.initializers.Initializer:
    """He initialisation with a depthwise kernel's true fan-in, its own k weights: deviation sqrt(2 / k).

    Keras' "he_normal" counts k * channels, as if the channels were summed. Each depthwise layer then shrinks the signal
    by sqrt(channels): ten of them, as in `eff`, leave 1e-7 of it, and the first batch norm's epsilon the rest.
    """
    return keras.initializers.TruncatedNormal(stddev=math.sqrt(2.0 / math.prod(kernel)))
