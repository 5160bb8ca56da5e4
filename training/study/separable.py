"""The study shows what a convolution costs as a whole, and separated in space, by channel, and both ways.

Every figure is counted on a Keras network that is built for it; none is computed from a formula.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import layers
from matplotlib.figure import Figure

from models.blocks import depthwise_separable_block, spatially_separable_block
from models.convolutions import conv, depthwise
from models.cost import Cost, cost
from training.run.figures import save_figure

SIDE = 16
"""The side of the images in pixels; all costs grow alike with it."""

CHANNELS = (4, 8, 16, 32, 64, 128, 256)
KERNELS = (1, 3, 5, 7, 9, 11)
DRAWN_CHANNELS = 64
DRAWN_KERNEL = 3

Step = Callable[[Any, int, int], Any]
"""A step takes an image, the number of output channels and the kernel's side, and returns an image of the same size."""


def _plain(x: Any, channels: int, kernel: int) -> Any:
    return conv(x, channels, kernel, name="whole", slope=0.0)


def _in_space(x: Any, channels: int, kernel: int) -> Any:
    return spatially_separable_block(x, channels, kernel, name="space")


def _by_channel(x: Any, channels: int, kernel: int) -> Any:
    return depthwise_separable_block(x, channels, name="channel", kernel=kernel, strides=1)


def _both(x: Any, channels: int, kernel: int) -> Any:
    x = depthwise(x, (1, kernel), name="row", slope=1.0)
    x = depthwise(x, (kernel, 1), name="column", slope=0.0)
    return conv(x, channels, 1, name="mix", slope=0.0)


STEPS: dict[str, Step] = {
    "plain, k x k": _plain,
    "in space: 1 x k, k x 1": _in_space,
    "by channel: k x k each, 1 x 1": _by_channel,
    "both: 1 x k and k x 1 each, 1 x 1": _both,
}


def worked_example() -> tuple[Cost, Cost]:
    """Count an ordinary and a separable convolution from 12 x 12 x 3 to 8 x 8 x 256 with a 5 x 5 kernel."""
    image = keras.Input((12, 12, 3))
    plain = layers.Conv2D(256, 5, use_bias=False, name="ordinary")(image)
    separable = layers.DepthwiseConv2D(5, use_bias=False, name="depthwise")(image)
    separable = layers.Conv2D(256, 1, use_bias=False, name="pointwise")(separable)
    return cost(keras.Model(image, plain)), cost(keras.Model(image, separable))


def describe() -> str:
    """Format the worked example as a table, layer by layer."""
    lines = ["12 x 12 x 3 -> 8 x 8 x 256, kernel 5 x 5, no padding, no bias", ""]
    lines.append(f"{'':<28}{'output':>14}{'parameters':>12}{'multiplications':>17}")
    ordinary, separable = worked_example()
    for example in (ordinary, separable):
        for layer in example.layers[1:]:
            shape = " x ".join(map(str, layer.shape))
            lines.append(f"{layer.layer:<28}{shape:>14}{layer.parameters:>12,}{layer.multiply_accumulates:>17,}")
    lines.append(f"{'depthwise separable':<28}{'':>14}{separable.parameters:>12,}{separable.multiply_accumulates:>17,}")
    parameters = separable.parameters / ordinary.parameters
    multiplications = separable.multiply_accumulates / ordinary.multiply_accumulates
    lines.append(f"{'of the ordinary':<28}{'':>14}{parameters:>12.2%}{multiplications:>17.2%}")
    return "\n".join(lines)


def multiplications(step: Step, channels: int, kernel: int) -> int:
    """Count the multiplications of one step on an image of SIDE x SIDE, with as many channels in as out."""
    image = keras.Input((SIDE, SIDE, channels))
    return cost(keras.Model(image, step(image, channels, kernel))).multiply_accumulates


def draw_costs(path: Path) -> None:
    """Draw the multiplications at one pixel against the channels and against the kernel's side."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    by_channels, by_kernel = figure.subplots(1, 2)
    pixels = SIDE * SIDE
    for title, step in STEPS.items():
        by_channels.plot(
            CHANNELS,
            [multiplications(step, channels, DRAWN_KERNEL) / pixels for channels in CHANNELS],
            marker="o",
            label=title,
        )
        by_kernel.plot(
            KERNELS,
            [multiplications(step, DRAWN_CHANNELS, kernel) / pixels for kernel in KERNELS],
            marker="o",
            label=title,
        )
    by_channels.set(title=f"kernel {DRAWN_KERNEL} x {DRAWN_KERNEL}", xlabel="channels in and out", xscale="log")
    by_channels.set_xticks(CHANNELS, labels=map(str, CHANNELS), minor=False)
    by_channels.minorticks_off()
    by_kernel.set(title=f"{DRAWN_CHANNELS} channels in and out", xlabel="side k of the kernel", xticks=KERNELS)
    for axes in (by_channels, by_kernel):
        axes.set(ylabel="multiplications at one pixel", yscale="log")
        axes.grid(alpha=0.3)
    by_channels.legend(fontsize="small")
    save_figure(figure, path)
