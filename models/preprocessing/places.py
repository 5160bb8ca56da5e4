"""The steps that change which place of the frame a pixel shows: crop, resizing and blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.preprocessing.graph import Graph, Shape, StepError


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


def gaussian_kernel(size: int) -> np.ndarray:
    """OpenCV's Gaussian of this odd size for sigma 0: fixed numbers up to 7, then sigma = 0.3 (size/2 - 1.5) + 0.8."""
    small_kernels = {1: [1], 3: [1, 2, 1], 5: [1, 4, 6, 4, 1], 7: [1, 3.5, 7, 9, 7, 3.5, 1]}
    if size in small_kernels:
        kernel = np.array(small_kernels[size], np.float64)
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
    overlap = np.minimum(edges[1:, None], np.arange(1, size + 1)) - np.maximum(edges[:-1, None], np.arange(size))
    return (np.clip(overlap, 0, None) * new_size / size).astype(np.float32)
