"""The convolutional blocks of the slimming study; each is a function x -> x over built-in Keras layers.

The networks differ in their blocks, so each docstring shows the block's steps and its cost. In the formulas, the input
has c channels of h x w places, and the output has `out` channels; a grouped or depthwise step keeps channels apart.
Costs count only kernels, as `models.cost` does.
"""

from __future__ import annotations

from typing import Any

from keras import layers

from models.convolutions import LEAKY_SLOPE, conv, depthwise, shuffle_channels

__all__ = [
    "LEAKY_SLOPE",
    "conv_block",
    "depthwise_separable_block",
    "effnet_block",
    "shufflenet_block",
    "spatially_separable_block",
]


def conv_block(
    x: Any,
    channels_out: int,
    kernel: int,
    *,
    name: str,
    padding: str = "same",
    dropout: float = 0.2,
    dropout_last: bool = False,
    batch_norm: bool = False,
) -> Any:
    """The plain block of the baselines: (n, h, w, c) float -> (n, h/2, w/2, channels_out) float.

        c -[k x k, ReLU]-> out -[dropout]-> out -[max 2x2]-> out
        h x w              h x w                 h/2 x w/2

    dropout_last: whether dropout follows the pooling, as in the study's digits. Dropout before the pooling is weaker,
    because the maximum replaces most dropped values by others.
    batch_norm: normalise before the activation, and omit the bias.

    Parameters: (k * k * c + 1) * out. Multiply-accumulates: h * w * k * k * c * out.
    """
    activation = None if batch_norm else "relu"
    x = layers.Conv2D(
        channels_out, kernel, padding=padding, activation=activation, use_bias=not batch_norm, name=f"{name}_conv"
    )(x)
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_conv_norm")(x)
        x = layers.ReLU(name=f"{name}_conv_act")(x)
    drop, pool = layers.Dropout(dropout, name=f"{name}_dropout"), layers.MaxPooling2D(2, name=f"{name}_pool")
    return drop(pool(x)) if dropout_last else pool(drop(x))


def spatially_separable_block(x: Any, channels_out: int, kernel: int, *, name: str) -> Any:
    """A k x k convolution as a column after a row: (n, h, w, c) float -> (n, h, w, channels_out) float.

        c -[1 x k]-> out -[k x 1, ReLU]-> out
        h x w        h x w                h x w

    There is no activation between the two. Together they equal a convolution whose k x k kernel is the product of both,
    with 2 * k weights in place of k * k.

    Parameters: k * (c + out) * out. Multiply-accumulates: h * w * k * (c + out) * out.
    """
    x = conv(x, channels_out, (1, kernel), name=f"{name}_row", slope=1.0)
    return conv(x, channels_out, (kernel, 1), name=f"{name}_column", slope=0.0)


def depthwise_separable_block(
    x: Any, channels_out: int, *, name: str, kernel: int = 3, strides: int = 2, batch_norm: bool = False
) -> Any:
    """MobileNet's block: (n, h, w, c) float -> (n, h/s, w/s, channels_out) float, s the strides.

        c -[k x k depthwise, stride s, ReLU]-> c -[1x1, ReLU]-> out
        h x w                                  h/s x w/s        h/s x w/s

    Parameters: c * (k * k + out). Multiply-accumulates: h/s * w/s * c * (k * k + out).

    Source: Howard et al., "MobileNets", arXiv 1704.04861, section 3.1.
    """
    x = depthwise(x, (kernel, kernel), name=f"{name}_depthwise", slope=0.0, strides=strides, batch_norm=batch_norm)
    return conv(x, channels_out, 1, name=f"{name}_mix", slope=0.0, batch_norm=batch_norm)


def shufflenet_block(
    x: Any, channels_in: int, channels_out: int, *, name: str, groups: int = 4, batch_norm: bool = False
) -> Any:
    """ShuffleNet's unit without its shortcut: (n, h, w, c) float -> (n, h/2, w/2, channels_out) float.

        c -[1x1, g groups, ReLU]-> in -[shuffle]-> in -[3x3 depthwise, stride 2]-> in -[1x1, g groups, ReLU]-> out
        h x w                      h x w               h/2 x w/2                       h/2 x w/2

    A grouped convolution mixes channels only within each group; the shuffle distributes them to all groups.

    Parameters: in * (c/g + 9 + out/g). Multiply-accumulates: h * w * in * (c/g + 9/4 + out/4/g).

    Raises ValueError for channels that cannot be divided into so many groups.
    Source: Zhang et al., "ShuffleNet", arXiv 1707.01083, figure 2; the slim networks that EffNet's
    paper compares have no shortcuts, so this one has none.
    """
    if x.shape[-1] % groups or channels_in % groups or channels_out % groups:
        raise ValueError(f"{x.shape[-1]}, {channels_in} and {channels_out} channels do not divide into {groups} groups")
    x = conv(x, channels_in, 1, name=f"{name}_squeeze", slope=0.0, groups=groups, batch_norm=batch_norm)
    x = shuffle_channels(x, groups, name=f"{name}_shuffle")
    x = depthwise(x, (3, 3), name=f"{name}_depthwise", slope=1.0, strides=2, batch_norm=batch_norm)
    return conv(x, channels_out, 1, name=f"{name}_mix", slope=0.0, groups=groups, batch_norm=batch_norm)


def effnet_block(
    x: Any,
    channels_in: int,
    channels_out: int,
    *,
    name: str,
    kernel: tuple[int, int] = (2, 1),
    slope: float = LEAKY_SLOPE,
    dropout: float = 0.25,
    pool_padding: str = "same",
    start: str = "he",
    batch_norm: bool = False,
) -> Any:
    """The study's EffNet block: (n, h, w, c) float -> (n, h/2, w/2, channels_out) float.

        c -[1x1]-> in -[1x3 depthwise]-> in -[max 2x1]-> in -[3x1 depthwise]-> in -[2x1]-> out
        h x w      h x w                 h/2 x w/2       h/2 x w/2             h/2 x w/2

    Every convolution has padding 'same', no bias, and a LeakyReLU after it (`slope` 0 is ReLU). The study halves the
    width by the last convolution's stride. No kernel after the pooling is wider than one column, so the study computes
    every second column only to drop it. Here the pooling's stride drops these columns: the function and the weights
    are the same, with half the work in the second depthwise step.

    The study's last `kernel`, (2, 1), extends along the axis that is already pooled. The paper allows another reading,
    (1, 2), along the axis that the stride halves, so that every column is used.

    pool_padding: "valid" drops the last of an odd number of rows, as in the study's digits. start: initialisation of
    the kernels, see `models.convolutions`.

    Parameters: in * (c + 3 + 3 + 2 * out). Multiply-accumulates: h * w * in * (c + 3 + 3/4 + out/2). With kernel
    (1, 2), and in the study's list of layers, the second depthwise step computes all columns: 3/2 in place of 3/4.
    A plain 3x3 convolution with 2x2 pooling has 9 * c * out and h * w * 9 * c * out.

    Raises ValueError for another kernel.
    Source: Freeman, Roese-Koerner, Kummert, "EffNet", arXiv 1801.06434, as "Using EffNet to slim models" builds it.
    """
    if kernel not in ((2, 1), (1, 2)):
        raise ValueError(f"expected kernel (2, 1) or (1, 2), got {kernel}")
    pool_step, mix_step = (2, 1) if kernel == (2, 1) else (1, 2)
    common: dict[str, Any] = {"slope": slope, "start": start, "batch_norm": batch_norm}
    x = conv(x, channels_in, 1, name=f"{name}_expand", **common)
    x = depthwise(x, (1, 3), name=f"{name}_across", **common)
    x = layers.MaxPooling2D((2, 1), strides=(2, pool_step), padding=pool_padding, name=f"{name}_pool")(x)
    x = depthwise(x, (3, 1), name=f"{name}_down", **common)
    x = conv(x, channels_out, kernel, name=f"{name}_mix", strides=(1, mix_step), **common)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x)
