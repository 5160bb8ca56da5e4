"""Pictures that are unlike any road, made of frames or of nothing: a confidence must tell them from real frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, FRAME_SHAPE, Frame
from training.robustness.catalogue import corruption

SKY_ROWS = slice(4, 50)
"""The rows of a frame that show sky and hills alone."""

WALL_BRICK_PX, WALL_JOINT_PX = 24, 2

Picture = Callable[[Frame, np.random.Generator], Frame]
"""A frame, random numbers -> a picture, uint8 RGB (160, 320, 3)."""


def shuffled_tiles(frame: Frame, generator: np.random.Generator, across: int = 8) -> Frame:
    """Cut the frame into across x across tiles and put them together in another order."""
    rows, columns = FRAME_ROWS // across, FRAME_COLUMNS // across
    tiles = frame.reshape(across, rows, across, columns, 3).swapaxes(1, 2).reshape(-1, rows, columns, 3)
    order = generator.permutation(len(tiles))
    return tiles[order].reshape(across, across, rows, columns, 3).swapaxes(1, 2).reshape(FRAME_SHAPE)


def shuffled_rows(frame: Frame, generator: np.random.Generator) -> Frame:
    """Put the rows in another order."""
    return frame[generator.permutation(FRAME_ROWS)]


def shuffled_pixels(frame: Frame, generator: np.random.Generator) -> Frame:
    """Put the pixels in another order."""
    return frame.reshape(-1, 3)[generator.permutation(FRAME_ROWS * FRAME_COLUMNS)].reshape(FRAME_SHAPE)


def upside_down(frame: Frame, generator: np.random.Generator) -> Frame:
    """Put the sky at the bottom."""
    return frame[::-1]


def sky(frame: Frame, generator: np.random.Generator) -> Frame:
    """Enlarge the frame's sky, as a car sees it that stands on its tail."""
    part = Image.fromarray(frame[SKY_ROWS])
    return np.asarray(part.resize((FRAME_COLUMNS, FRAME_ROWS), Image.Resampling.BILINEAR))


def wall(frame: Frame, generator: np.random.Generator) -> Frame:
    """Draw a wall of bricks close ahead, of a random colour and grain."""
    row, column = np.mgrid[0:FRAME_ROWS, 0:FRAME_COLUMNS]
    shift = row // WALL_BRICK_PX % 2 * WALL_BRICK_PX
    joints = (row % WALL_BRICK_PX < WALL_JOINT_PX) | ((column + shift) % (2 * WALL_BRICK_PX) < WALL_JOINT_PX)
    grain = generator.normal(0, 8, (FRAME_ROWS, FRAME_COLUMNS, 1))
    picture = generator.integers(50, 210, 3) + grain - 35 * joints[..., np.newaxis]
    return picture.clip(0, 255).astype(np.uint8)


def noise(frame: Frame, generator: np.random.Generator) -> Frame:
    """Draw each value at random."""
    return generator.integers(0, 256, FRAME_SHAPE, np.uint8)


def grey(frame: Frame, generator: np.random.Generator) -> Frame:
    """Paint all in one grey, as of a covered lens."""
    return np.full(FRAME_SHAPE, generator.integers(0, 256), np.uint8)


def colour_bars(frame: Frame, generator: np.random.Generator) -> Frame:
    """Draw the eight bars of a television's test card, in a random order."""
    colours = np.array([[255 * (n >> bit & 1) for bit in (2, 1, 0)] for n in generator.permutation(8)], np.uint8)
    return np.broadcast_to(np.repeat(colours, FRAME_COLUMNS // 8, axis=0), FRAME_SHAPE).copy()


def corrupted(frame: Frame, generator: np.random.Generator, name: str) -> Frame:
    """The corruption of this name at strength 5."""
    cause = corruption(name)
    return cause.start(cause.amount(5), int(generator.integers(1 << 31))).picture(frame)


PICTURES: dict[str, Picture] = {
    "shuffled tiles": shuffled_tiles,
    "shuffled rows": shuffled_rows,
    "shuffled pixels": shuffled_pixels,
    "upside down": upside_down,
    "sky": sky,
    "wall": wall,
    "noise": noise,
    "one grey": grey,
    "test card": colour_bars,
    **{
        f"{name} 5": partial(corrupted, name=name)
        for name in ("contrast", "fog", "darkness", "brightness", "colour-temperature", "gaussian-noise", "shot-noise")
    },
}
"""The kinds of pictures by their names in tables."""
