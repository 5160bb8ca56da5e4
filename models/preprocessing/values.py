"""The steps that change a pixel's numbers: colour, scaling and standardising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.preprocessing.colours import CURVED, LINEAR, LinearColour, channel_of
from models.preprocessing.graph import Graph, Shape, StepError

Numbers = tuple[float, ...]
"""One number for all channels, or one for each."""


@dataclass(frozen=True, slots=True)
class Colour:
    """Convert RGB pixels to another colour space, or to one channel of it (`s-of-hsv`)."""

    name: str

    @property
    def text(self) -> str:
        return f"colour={self.name}"

    @property
    def linear(self) -> bool:
        """Whether it is a matrix product, and so may follow a scaling."""
        return (channel_of(self.name) or (self.name, None))[0] in LINEAR

    def shape_after(self, shape: Shape) -> Shape:
        if shape[2] != 3:
            raise StepError(f"{self.text} needs three channels; the step before it leaves {shape[2]}")
        space, channel = channel_of(self.name) or (self.name, None)
        return *shape[:2], 1 if channel is not None or space == "grey" else 3

    def extend(self, graph: Graph) -> None:
        space, channel = channel_of(self.name) or (self.name, None)
        if space in LINEAR:
            self._extend_linear(graph, LINEAR[space], channel)
        else:
            graph.x = CURVED[space](graph.floats())
            if channel is not None:
                graph.x = graph.x[..., channel : channel + 1]
        graph.round()

    def _extend_linear(self, graph: Graph, colour: LinearColour, channel: int | None) -> None:
        """A fixed 1 x 1 convolution. On scaled pixels it gives the equally scaled colours: both steps are linear."""
        from keras import layers  # noqa: PLC0415

        only = slice(None) if channel is None else slice(channel, channel + 1)
        matrix, zero = colour.matrix[only], colour.zero[only]
        if matrix.shape == (3, 3) and (matrix == np.eye(3)).all():
            return
        if not graph.uniform:
            raise StepError(f"{self.text} needs equally scaled channels: write it before the step that scales them")
        bias = graph.scale * zero + graph.offset * (1.0 - matrix.sum(axis=1))
        convolution = layers.Conv2D(
            len(matrix),
            1,
            data_format="channels_last",
            trainable=False,
            dtype="float32",
            name=graph.name("yuv" if self.name.startswith("yuv") else "colour"),
        )
        pixels = graph.floats()
        convolution.build(pixels.shape)
        convolution.set_weights([matrix.T[None, None].astype(np.float32), bias.astype(np.float32)])
        graph.x = convolution(pixels)


@dataclass(frozen=True, slots=True)
class Scale:
    """value * scale + offset; either may have one number for each channel."""

    scale: Numbers = (1.0,)
    offset: Numbers = (0.0,)
    text: str = ""

    def shape_after(self, shape: Shape) -> Shape:
        for numbers in (self.scale, self.offset):
            if len(numbers) not in (1, shape[2]):
                raise StepError(f"{self.text} has {len(numbers)} numbers for {shape[2]} channels")
        return shape

    def extend(self, graph: Graph) -> None:
        from keras import layers  # noqa: PLC0415

        scale, offset = (n[0] if len(n) == 1 else list(n) for n in (self.scale, self.offset))
        graph.x = layers.Rescaling(scale, offset, dtype="float32", name=graph.name("scale"))(graph.x)
        graph.as_bytes = False
        graph.uniform = graph.uniform and len(self.scale) == len(self.offset) == 1
        graph.offset = graph.offset * self.scale[0] + self.offset[0]
        graph.scale *= self.scale[0]


@dataclass(frozen=True, slots=True)
class Standardise:
    """Give each image mean 0 and deviation 1, as tf.image.per_image_standardization does."""

    @property
    def text(self) -> str:
        return "standardise"

    def shape_after(self, shape: Shape) -> Shape:
        return shape

    def extend(self, graph: Graph) -> None:
        from keras import ops  # noqa: PLC0415

        x = graph.floats()
        least = 1.0 / float(np.sqrt(np.prod(x.shape[1:])))
        centred = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
        deviation = ops.sqrt(ops.mean(centred * centred, axis=(1, 2, 3), keepdims=True))
        graph.x = centred / ops.maximum(deviation, least)
        graph.as_bytes = graph.uniform = False
