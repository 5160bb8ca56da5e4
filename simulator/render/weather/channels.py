"""Whole pixels at once: four channels of 16 bits are one number of 64, so that one look-up fetches all of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protocol.messages import Frame

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint16]
Table = npt.NDArray[np.uint64]

ONE = 256
"""What stands for 1 in a share that a channel is multiplied by."""


def table(values: npt.ArrayLike) -> Table:
    """(256, 3 or 4) numbers, for each index the share of each channel in 256ths -> a table of pixels."""
    channels = np.zeros((256, 4), np.uint16)
    given = np.round(np.asarray(values))
    channels[:, : given.shape[1]] = given
    return channels.view(np.uint64)[:, 0]


def look_up(pixels: Table, index: Bytes | Words) -> Words:
    """The pixels of an index (rows, columns) as (rows, columns, 4)."""
    return np.take(pixels, index).view(np.uint16).reshape(*index.shape, 4)


def rgb(pixels: Words) -> Frame:
    """(rows, columns, 4), 0..255 -> uint8 (rows, columns, 3)."""
    frame = np.empty((*pixels.shape[:2], 3), np.uint8)
    for channel in range(3):
        frame[..., channel] = pixels[..., channel]
    return frame
