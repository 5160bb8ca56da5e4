"""The steps from a raw camera frame to a network's input, each one as Keras layers or operations.

A step describes itself as text, says what shape it makes, and extends a graph. Until a step scales the pixels they are
bytes: every step then rounds its result, as OpenCV does with 8-bit images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from models.preprocessing.colours import CURVED, LINEAR, LinearColour, channel_of

Shape = tuple[int, int, int]
"""Rows, columns, channels."""

Numbers = tuple[float, ...]
"""One number for all channels, or one for each."""


HALF = 0.5 + 1 / 1024
"""Halves are rounded up, as by OpenCV. The surplus keeps the backends' last digits from deciding about a half."""


class StepError(ValueError):
    """A step that does not fit the image before it; the message says why."""


@dataclass(slots=True)
class Graph:
    """The graph so far. x: symbolic pixels; scale, offset: the pixels are bytes * scale + offset.

    as_bytes: whether no step has scaled them yet. uniform: whether scale and offset say what the pixels are.
    names: of the layers so far.
    """

    x: Any
    scale: float = 1.0
    offset: float = 0.0
    as_bytes: bool = True
    uniform: bool = True
    names: frozenset[str] = frozenset()

    def name(self, kind: str) -> str:
        """A name for the next layer of this kind, unique within the preprocessing."""
        name, number = f"preprocess_{kind}", 1
        while name in self.names:
            number += 1
            name = f"preprocess_{kind}_{number}"
        self.names |= {name}
        return name

    def floats(self) -> Any:
        """The pixels as float32. Bytes are cast even where a crop of them says that it is float32."""
        from keras import ops  # noqa: PLC0415 - --help prints the steps and must not wait for Keras

        return ops.cast(self.x, "float32") if self.as_bytes else self.x

    def round(self) -> None:
        """Round the pixels to 0, 1, ... 255, unless they have been scaled."""
        from keras import ops  # noqa: PLC0415

        if self.as_bytes:
            self.x = ops.clip(ops.floor(self.x + HALF), 0.0, 255.0)


class Step(Protocol):
    """One step. text: as in a written preprocessing."""

    @property
    def text(self) -> str: ...

    def shape_after(self, shape: Shape) -> Shape:
        """The shape that it makes of an image of `shape`. Raises StepError."""
        ...

    def extend(self, graph: Graph) -> None:
        """Add the step's layers to the graph."""
        ...


@dataclass(frozen=True, slots=True)
class Crop:
    """Keep the rows and columns from the first to before the end; None keeps all."""

    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        parts = {"rows": self.rows, "columns": self.columns}
        return ", ".join(f"{key}={value[0]}:{value[1]}" for key, value in parts.items() if value)

    def shape_after(self, shape: Shape) -> Shape:
        sizes = []
        for name, span, size in (("rows", self.rows, shape[0]), ("columns", self.columns, shape[1])):
            first, end = span or (0, size)
            if not 0 <= first < end <= size:
                raise StepError(f"{name}={first}:{end} is no part of the image's {size} {name}")
            sizes.append(end - first)
        return sizes[0], sizes[1], shape[2]

    def extend(self, graph: Graph) -> None:
        from keras import layers  # noqa: PLC0415

        size = graph.x.shape[1:3]
        spans = [span or (0, side) for span, side in zip((self.rows, self.columns), size, strict=True)]
        margins = tuple((first, side - end) for (first, end), side in zip(spans, size, strict=True))
        if margins != ((0, 0), (0, 0)):
            graph.x = layers.Cropping2D(margins, data_format="channels_last", name=graph.name("crop"))(graph.x)


@dataclass(frozen=True, slots=True)
class Resize:
    """Resize to rows x columns. area: by the mean over each new pixel's area, else bilinear.

    These are OpenCV's INTER_AREA and INTER_LINEAR; bilinear has half-pixel centres and does not smooth.
    """

    rows: int
    columns: int
    area: bool = False

    @property
    def text(self) -> str:
        return f"{'area' if self.area else 'size'}={self.rows}x{self.columns}"

    def shape_after(self, shape: Shape) -> Shape:
        if self.area and (self.rows > shape[0] or self.columns > shape[1]):
            raise StepError(f"{self.text} would enlarge an image of {shape[0]}x{shape[1]}: write size= there")
        return self.rows, self.columns, shape[2]

    def extend(self, graph: Graph) -> None:
        from keras import layers  # noqa: PLC0415

        rows, columns = graph.x.shape[1:3]
        if (rows, columns) == (self.rows, self.columns):
            return
        if self.area:
            graph.x = _mean_over_areas(graph, rows, columns, self.rows, self.columns)
        else:
            resize = layers.Resizing(
                self.rows, self.columns, data_format="channels_last", dtype="float32", name=graph.name("resize")
            )
            # Resizing's default is training=True, and Keras 3 passes it on: a later batch norm would then train
            # whenever the model is called without `training=False`.
            graph.x = resize(graph.floats(), training=False)
        graph.round()


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
class Blur:
    """Smooth by a Gaussian of size x size pixels with OpenCV's kernel for this size (GaussianBlur with sigma 0)."""

    size: int

    @property
    def text(self) -> str:
        return f"blur={self.size}"

    def shape_after(self, shape: Shape) -> Shape:
        if self.size // 2 >= min(shape[:2]):
            raise StepError(f"{self.text} is too large for an image of {shape[0]}x{shape[1]}")
        return shape

    def extend(self, graph: Graph) -> None:
        from keras import layers, ops  # noqa: PLC0415

        reach, channels = self.size // 2, graph.x.shape[-1]
        kernel = gaussian_kernel(self.size)
        x = graph.floats()
        x = ops.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
        blur = layers.DepthwiseConv2D(
            self.size,
            use_bias=False,
            data_format="channels_last",
            trainable=False,
            dtype="float32",
            name=graph.name("blur"),
        )
        blur.build(x.shape)
        weights = np.broadcast_to(np.outer(kernel, kernel)[..., None, None], (self.size, self.size, channels, 1))
        blur.set_weights([weights.astype(np.float32)])
        graph.x = blur(x)
        graph.round()


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


def gaussian_kernel(size: int) -> np.ndarray:
    """OpenCV's Gaussian of this odd size for sigma 0: fixed numbers up to 7, then sigma = 0.3 (size/2 - 1.5) + 0.8."""
    fixed = {1: [1], 3: [1, 2, 1], 5: [1, 4, 6, 4, 1], 7: [1, 3.5, 7, 9, 7, 3.5, 1]}
    if size in fixed:
        kernel = np.array(fixed[size], np.float64)
    else:
        sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
        kernel = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    return kernel / kernel.sum()


def _mean_over_areas(graph: Graph, rows: int, columns: int, new_rows: int, new_columns: int) -> Any:
    """Two fixed matrix products, one along the rows and one along the columns."""
    from keras import ops  # noqa: PLC0415

    x = graph.floats()
    x = ops.einsum("ij,njkc->nikc", area_matrix(rows, new_rows), x)
    return ops.einsum("lk,nikc->nilc", area_matrix(columns, new_columns), x)


def area_matrix(size: int, new_size: int) -> np.ndarray:
    """float32 (new_size, size): row i averages the part of the old pixels that new pixel i covers."""
    edges = np.arange(new_size + 1) * size / new_size
    covered = np.minimum(edges[1:, None], np.arange(1, size + 1)) - np.maximum(edges[:-1, None], np.arange(size))
    return (np.clip(covered, 0, None) * new_size / size).astype(np.float32)
