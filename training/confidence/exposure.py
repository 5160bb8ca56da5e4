"""Pictures that are no view of a road, made of frames: a confidence learns from them what to doubt.

Each kind keeps something of a road and lacks something else: its colours without its shapes, its shapes without their
places, or neither. A confidence that has learned these also doubts kinds that it never saw, such as photographs.

Source: Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from protocol.arrays import Float64Array
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, FRAME_SHAPE, Frame
from training.data.crops import Pixels

Exposure = Callable[[Frame, Frame, np.random.Generator], Frame]
"""Two frames, random numbers -> a picture, uint8 RGB (160, 320, 3)."""


def exposures(frames: Pixels, count: int, seed: int) -> Pixels:
    """`count` pictures of frames (n, 160, 320, 3), uint8 of the same form; the kinds of EXPOSURES take turns."""
    generator = np.random.default_rng(seed)
    pairs = generator.integers(0, len(frames), (count, 2))
    return np.stack(
        [
            EXPOSURES[number % len(EXPOSURES)](frames[first], frames[second], generator)
            for number, (first, second) in enumerate(pairs)
        ]
    )


def tiles(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Cut the frame into tiles of a random size and put them together in another order."""
    rows, columns = generator.choice((5, 10, 20, 40, 80)), generator.choice((5, 10, 20, 40, 80, 160))
    down, across = FRAME_ROWS // rows, FRAME_COLUMNS // columns
    parts = frame.reshape(down, rows, across, columns, 3).swapaxes(1, 2).reshape(-1, rows, columns, 3)
    order = generator.permutation(len(parts))
    return parts[order].reshape(down, across, rows, columns, 3).swapaxes(1, 2).reshape(FRAME_SHAPE)


def columns(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Put the columns in another order."""
    return frame[:, generator.permutation(FRAME_COLUMNS)]


def upside_down(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Put the sky at the bottom."""
    return frame[::-1]


def on_its_side(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Turn the frame by a quarter to the left or to the right."""
    return _enlarged(np.rot90(frame, generator.choice((1, 3))))


def part(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Enlarge a small part of the frame."""
    share = generator.uniform(0.03, 0.25)
    rows, columns = round(FRAME_ROWS * share), round(FRAME_COLUMNS * share)
    top, left = generator.integers(0, FRAME_ROWS - rows), generator.integers(0, FRAME_COLUMNS - columns)
    return _enlarged(frame[top : top + rows, left : left + columns])


def repeated(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Show the frame several times, smaller."""
    times = int(generator.integers(2, 5))
    small = np.asarray(Image.fromarray(frame).resize((-(-FRAME_COLUMNS // times), -(-FRAME_ROWS // times))))
    return np.tile(small, (times, times, 1))[:FRAME_ROWS, :FRAME_COLUMNS]


def blend(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Lay another frame over the frame, in a mirror or upside down."""
    weight = generator.uniform(0.35, 0.65)
    over = other[:, ::-1] if generator.random() < 0.5 else other[::-1]
    return _as_frame(weight * frame + (1 - weight) * over)


def paint(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Paint all in one colour, or from one colour to another."""
    first, last = generator.integers(0, 256, (2, 3))
    down = np.linspace(0, 1, FRAME_ROWS)[:, np.newaxis, np.newaxis]
    return _as_frame(first + (last - first) * generator.choice((0, 1)) * np.broadcast_to(down, FRAME_SHAPE))


def texture(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Draw noise of all sizes about a colour: white noise, clouds, or between them."""
    colour = generator.integers(30, 226, 3) if generator.random() < 0.5 else frame.mean((0, 1))
    return _as_frame(colour + generator.uniform(10, 70) * _clouds(generator.uniform(0, 2), generator))


def shapes(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Lay rectangles and ellipses over one another, some of them in colours of the frame."""
    picture = Image.new("RGB", (FRAME_COLUMNS, FRAME_ROWS), tuple(generator.integers(0, 256, 3).tolist()))
    pencil = ImageDraw.Draw(picture)
    for _ in range(int(10 ** generator.uniform(0.8, 2.3))):
        left, top = (generator.uniform(-20, end) for end in (FRAME_COLUMNS, FRAME_ROWS))
        width, height = np.exp(generator.uniform(np.log(4), np.log(180), 2)).tolist()
        place = frame[generator.integers(FRAME_ROWS), generator.integers(FRAME_COLUMNS)]
        colour = tuple((place if generator.random() < 0.5 else generator.integers(0, 256, 3)).tolist())
        draw = pencil.rectangle if generator.random() < 0.5 else pencil.ellipse
        draw((left, top, left + width, top + height), fill=colour)
    return np.asarray(picture)


def haze(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Take nearly all contrast away, and tint what is left."""
    mean = frame.mean((0, 1))
    return _as_frame(mean + generator.uniform(0, 0.1) * (frame - mean) + generator.normal(0, 20, 3))


def grain(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Add strong noise to each value."""
    return _as_frame(frame + generator.normal(0, generator.uniform(80, 160), FRAME_SHAPE))


def false_colours(frame: Frame, other: Frame, generator: np.random.Generator) -> Frame:
    """Show the negative, or let one colour or two outshine the others."""
    if generator.random() < 0.5:
        return 255 - frame
    gains = generator.permutation([1.0, generator.uniform(0.1, 1.0), 0.1])
    return _as_frame(frame * gains)


EXPOSURES: tuple[Exposure, ...] = (
    tiles,
    columns,
    upside_down,
    on_its_side,
    part,
    repeated,
    blend,
    paint,
    texture,
    shapes,
    haze,
    grain,
    false_colours,
)
"""The kinds of pictures."""


def _enlarged(part: Frame) -> Frame:
    return np.asarray(Image.fromarray(part).resize((FRAME_COLUMNS, FRAME_ROWS), Image.Resampling.BILINEAR))


def _as_frame(values: Float64Array) -> Frame:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _clouds(smoothness: float, generator: np.random.Generator) -> Float64Array:
    """Noise of deviation 1, (160, 320, 3), whose waves' heights fall with their frequency to the power of smoothness.

    The three colours share a random part of it.
    """
    frequency = np.hypot(np.fft.fftfreq(FRAME_ROWS)[:, np.newaxis], np.fft.rfftfreq(FRAME_COLUMNS))
    height = np.maximum(frequency, 1 / FRAME_COLUMNS) ** -smoothness
    phases = np.exp(2j * np.pi * generator.random((3, *height.shape)))
    noise = np.fft.irfft2(height * phases, (FRAME_ROWS, FRAME_COLUMNS)).transpose(1, 2, 0)
    share = generator.random()
    mixed = (1 - share) * noise + share * noise.mean(2, keepdims=True)
    return np.asarray(mixed / mixed.std())
