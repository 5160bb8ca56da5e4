"""Named preprocessings from a raw camera frame to a network's input, as built-in Keras layers inside the graph.

Training and driving thus use the same layers. A saved file contains them, and loads with Keras alone, on any of its
backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

YUV_FROM_RGB = np.array([[0.299, 0.587, 0.114], [-0.147108, -0.288804, 0.435912], [0.614777, -0.514799, -0.099978]])
"""Rows Y, U, V; columns R, G, B. OpenCV's COLOR_RGB2YUV: Y as BT.601, U = 0.492 (B - Y), V = 0.877 (R - Y)."""

YUV_ZERO = np.array([0.0, 128.0, 128.0])
"""The Y, U and V of black in 8 bits; grey has the same U and V."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """One way to prepare frames: crop, then `value * scale + offset`, then resize, then colour.

    rows: first row of the crop and first row after it; the crop has all columns.
    size: rows and columns of the result; bilinear with half-pixel centres, as OpenCV's INTER_LINEAR.
    colour: channels of the result; "yuv-bgr" exchanges red and blue.
    scale, offset: map 0..255 to the network's range.
    source: the networks that need it. description: one line for the user.
    """

    name: str
    rows: tuple[int, int]
    size: tuple[int, int]
    colour: Literal["rgb", "yuv", "yuv-bgr"]
    scale: float
    offset: float
    source: str
    description: str

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the result."""
        return (*self.size, 3)

    def __call__(self, frames: Any) -> Any:
        """Symbolic RGB frames (n, 160, 320, 3), uint8 or float 0..255 -> float32 (n, *output_shape).

        The pixels become floats before the resizing, so they are not rounded to 8 bits again. The layers use float32
        under any precision policy.
        """
        from keras import layers  # noqa: PLC0415 - --help prints the table and must not wait for Keras

        first, end = self.rows
        x = frames
        if end - first < FRAME_ROWS:
            crop = ((first, FRAME_ROWS - end), (0, 0))
            x = layers.Cropping2D(crop, data_format="channels_last", name="preprocess_crop")(x)
        x = layers.Rescaling(self.scale, self.offset, dtype="float32", name="preprocess_scale")(x)
        if self.size != (end - first, FRAME_COLUMNS):
            resize = layers.Resizing(*self.size, data_format="channels_last", dtype="float32", name="preprocess_resize")
            # Resizing's default is training=True, and Keras 3 passes it on: a later batch norm would then train
            # whenever the model is called without `training=False`.
            x = resize(x, training=False)
        return x if self.colour == "rgb" else self._yuv(x)

    def _yuv(self, x: Any) -> Any:
        """Convert scaled RGB to equally scaled YUV by a fixed 1 x 1 convolution; both steps are linear and commute."""
        from keras import layers  # noqa: PLC0415

        columns = YUV_FROM_RGB if self.colour == "yuv" else YUV_FROM_RGB[:, ::-1]
        kernel = columns.T[None, None]
        bias = self.scale * YUV_ZERO + self.offset * (1.0 - YUV_FROM_RGB.sum(axis=1))
        colour = layers.Conv2D(
            3, 1, data_format="channels_last", trainable=False, dtype="float32", name="preprocess_yuv"
        )
        result = colour(x)
        colour.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
        return result


def _whole_frame(name: str, scale: float, offset: float, lambda_text: str, range_text: str) -> Preprocessing:
    """For public networks whose Lambda normalises the whole frame and that then crop it themselves."""
    return Preprocessing(
        name,
        (0, FRAME_ROWS),
        (FRAME_ROWS, FRAME_COLUMNS),
        "rgb",
        scale,
        offset,
        f"public Udacity networks that begin with {lambda_text} on the whole frame",
        f"the whole 160x320 RGB frame as {range_text}",
    )


PREPROCESSINGS: dict[str, Preprocessing] = {
    preprocessing.name: preprocessing
    for preprocessing in (
        Preprocessing(
            "origin",
            (80, 140),
            (128, 128),
            "rgb",
            1 / 255,
            -0.5,
            "Using EffNet to slim models",
            "rows 80 to 140 resized to 128x128 RGB, x/255 - 0.5",
        ),
        Preprocessing(
            "pilotnet",
            (60, 135),
            (66, 200),
            "yuv",
            1 / 127.5,
            -1.0,
            "NVIDIA, End to End Learning for Self-Driving Cars, as public Udacity networks build it",
            "rows 60 to 135 resized to 66x200 YUV, x/127.5 - 1",
        ),
        Preprocessing(
            "pilotnet-bgr",
            (60, 135),
            (66, 200),
            "yuv-bgr",
            1 / 127.5,
            -1.0,
            "public Udacity networks trained with OpenCV before 3.2, whose RGB2YUV was BGR2YUV (opencv/opencv #4946)",
            "as pilotnet, red and blue exchanged: files of 2016, OpenCV before 3.2",
        ),
        _whole_frame("frame", 1.0, 0.0, "no Lambda", "0 to 255, as it is"),
        _whole_frame("frame-unit", 1 / 255, 0.0, "Lambda x/255", "x/255, 0 to 1"),
        _whole_frame("frame-half", 1 / 255, -0.5, "Lambda x/255 - 0.5", "x/255 - 0.5, -0.5 to 0.5"),
        _whole_frame("frame-one", 1 / 127.5, -1.0, "Lambda x/127.5 - 1", "x/127.5 - 1, -1 to 1"),
    )
}
"""The preprocessings by their names on the command line."""


def describe_preprocessings() -> str:
    """One line for each preprocessing, with its name and description, for --help."""
    width = max(map(len, PREPROCESSINGS))
    return "\n".join(f"  {name:<{width}}  {entry.description}" for name, entry in PREPROCESSINGS.items())


def names_for(shape: tuple[int, ...]) -> str:
    """One line for error messages: the preprocessings whose result has `shape`, or all if there is none."""
    names = [entry.name for entry in PREPROCESSINGS.values() if entry.output_shape == shape]
    sizes = (f"{entry.name} ({entry.size[0]}x{entry.size[1]})" for entry in PREPROCESSINGS.values())
    return "--preprocess " + (" or ".join(names) if names else f"knows {', '.join(sizes)}")
