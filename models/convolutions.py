"""The single steps of the blocks: convolutions with normalisation and activation, and their initialisation.

The initialisation decides whether a slim network learns at all, so all blocks share the one of this module.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

LEAKY_SLOPE = 0.3
"""LeakyReLU's slope for negative inputs, as in the study's steering networks."""


def conv(
    x: Any,
    channels: int,
    kernel: int | tuple[int, int],
    *,
    name: str,
    slope: float,
    strides: int | tuple[int, int] = 1,
    groups: int = 1,
    start: str = "he",
    batch_norm: bool = False,
) -> Any:
    """A 'same' convolution without bias, (n, h, w, c) -> (n, h/s, w/s, channels), then LeakyReLU; slope 1 omits it.

    start: "he" preserves a signal's size through ReLU (He et al., arXiv 1502.01852); "keras" is Keras' default, as in
    the study's digits. batch_norm: normalise before the activation.
    """
    x = layers.Conv2D(
        channels,
        kernel,
        strides=strides,
        padding="same",
        groups=groups,
        use_bias=False,
        kernel_initializer="he_normal" if start == "he" else "glorot_uniform",
        name=name,
    )(x)
    return _normalise_and_activate(x, name, slope, batch_norm)


def depthwise(
    x: Any,
    kernel: tuple[int, int],
    *,
    name: str,
    slope: float,
    strides: int = 1,
    start: str = "he",
    batch_norm: bool = False,
) -> Any:
    """A 'same' convolution of each channel by itself, (n, h, w, c) -> (n, h/s, w/s, c); the parameters are `conv`'s."""
    x = layers.DepthwiseConv2D(
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=depthwise_he_normal(kernel) if start == "he" else "glorot_uniform",
        name=name,
    )(x)
    return _normalise_and_activate(x, name, slope, batch_norm)


def _normalise_and_activate(x: Any, name: str, slope: float, batch_norm: bool) -> Any:
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return x if slope == 1.0 else layers.LeakyReLU(negative_slope=slope, name=f"{name}_act")(x)


def shuffle_channels(x: Any, groups: int, *, name: str) -> Any:
    """Reorder the channels of (n, h, w, c) to 0, c/g, 2c/g, ..., 1, 1 + c/g, ...: the groups' first, then second ones.

    a1 a2 a3 | b1 b2 b3  ->  a1 b1 | a2 b2 | a3 b3
    """
    height, width, channels = x.shape[1:]
    x = layers.Reshape((height * width, groups, channels // groups), name=f"{name}_apart")(x)
    x = layers.Permute((1, 3, 2), name=f"{name}_deal")(x)
    return layers.Reshape((height, width, channels), name=f"{name}_together")(x)


def depthwise_he_normal(kernel: tuple[int, int]) -> keras.initializers.Initializer:
    """He initialisation with a depthwise kernel's true fan-in of k weights: deviation sqrt(2 / k).

    Keras' "he_normal" takes a fan-in of k * channels, as if the channels were summed. Each depthwise layer would then
    shrink the signal by sqrt(channels); the ten of `eff` would leave 1e-7 of it, which batch norm's epsilon swamps.
    """
    return keras.initializers.TruncatedNormal(stddev=math.sqrt(2.0 / math.prod(kernel)))
