"""Textures drawn from noise: asphalt, cobbles, grass and rock, so that the project needs nobody's pictures.

Ground textures are grey around BRIGHT; the renderer multiplies them by the colour of the mesh that they cover.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protocol.arrays import Float64Array

Pixels = npt.NDArray[np.uint8]
SIZE = 256
BRIGHT = 208.0
"""Mean of a ground texture; a mesh's colour is divided by BRIGHT / 255 to offset it."""


def noise(generator: np.random.Generator, size: int, rows_px: float, columns_px: float) -> Float64Array:
    """Smooth periodic noise (size, size), mean 0, deviation 1; its grains are about rows_px by columns_px."""
    spectrum = np.fft.rfft2(generator.standard_normal((size, size)))
    row = np.fft.fftfreq(size)[:, None] * rows_px
    column = np.fft.rfftfreq(size)[None, :] * columns_px
    values = np.fft.irfft2(spectrum * np.exp(-2 * (row**2 + column**2)), (size, size))
    values -= values.mean()
    return np.asarray(values / values.std())


def _ground(values: Float64Array) -> Pixels:
    grey = (BRIGHT + values).clip(20, 255)[..., None]
    return np.asarray(np.repeat(grey, 3, 2).astype(np.uint8))


def asphalt(generator: np.random.Generator) -> Pixels:
    """Coarse grains of light and dark stone, worn along the wheels."""
    grains = (
        noise(generator, SIZE, 3.0, 2.0) + 0.7 * noise(generator, SIZE, 8, 5) + 0.3 * noise(generator, SIZE, 60, 12)
    )
    return _ground(30 * grains)


def speckle(generator: np.random.Generator) -> Pixels:
    """Grass, sand and concrete, seen from afar."""
    return _ground(6 * noise(generator, SIZE, 4, 4) + 9 * noise(generator, SIZE, 40, 40))


def rock(generator: np.random.Generator) -> Pixels:
    """Rock with streaks and cracks."""
    return _ground(
        20 * noise(generator, SIZE, 20, 4) + 16 * noise(generator, SIZE, 6, 10) + 8 * noise(generator, SIZE, 2, 2)
    )


def cobbles(generator: np.random.Generator) -> Pixels:
    """16 rows of stones of uneven length, with light joints between them."""
    image = np.full((SIZE, SIZE), BRIGHT + 36)
    high = SIZE // 16
    for number in range(16):
        edges = np.sort(generator.choice(np.arange(0, SIZE, 4), 9, replace=False))
        for left, right in zip(edges, [*edges[1:], edges[0] + SIZE], strict=True):
            columns = np.arange(left + 2, right - 1) % SIZE
            image[number * high + 2 : (number + 1) * high - 1, columns] = BRIGHT + generator.normal(-18, 16)
    return _ground((image - BRIGHT + 8 * noise(generator, SIZE, 3, 3)).T)
