"""Pictures of plants, drawn from noise: RGBA, uint8 (size, size, 4), with nothing round the plant."""

from __future__ import annotations

import numpy as np

from simulator.render.textures import Pixels, noise


def tree(generator: np.random.Generator, size: int = 128) -> Pixels:
    """RGBA: tufts of needles, lit from above. The bare trunk is short, because it is too thin to be seen from afar."""
    rows, columns = np.mgrid[0:size, 0:size] / size
    image = np.zeros((size, size, 4))
    trunk = (np.abs(columns - 0.5) < 0.018 + 0.016 * rows) & (rows > 0.2)
    image[trunk] = (96, 84, 66, 255)
    for _ in range(40):
        height = generator.uniform(0.06, 0.88)
        reach = 0.06 + 0.2 * np.sin(np.pi * min(1.0, (height + 0.12) / 1.04))
        x, y = 0.5 + generator.uniform(-reach, reach), height
        wide, high = generator.uniform(0.05, 0.12), generator.uniform(0.03, 0.07)
        blob = ((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2 + 0.45 * noise(generator, size, 3, 4) < 1
        light = generator.uniform(0.55, 1.0) * (1.25 - 0.6 * height)
        image[blob] = (142 * light, 148 * light, 88 * light, 255)
    image[..., :3] *= 1 + 0.18 * noise(generator, size, 2, 2)[..., None]
    return np.asarray(image.clip(0, 255).astype(np.uint8))


def bush(generator: np.random.Generator, size: int = 64) -> Pixels:
    """RGBA: a tuft of blades."""
    image = np.zeros((size, size, 4))
    top = size * (0.35 + 0.25 * np.abs(noise(generator, size, 1, 1.5)[0]))
    rows = np.arange(size)[:, None]
    inside = rows > top[None, :]
    image[inside] = (128, 132, 60, 255)
    image[..., :3] *= (0.6 + 0.5 * (1 - rows[..., None] / size)) * (1 + 0.25 * noise(generator, size, 3, 1)[..., None])
    return np.asarray(image.clip(0, 255).astype(np.uint8))


def palm(generator: np.random.Generator, size: int = 128) -> Pixels:
    """RGBA: a bent trunk under a crown of drooping fronds, lit from above."""
    rows, columns = np.mgrid[0:size, 0:size] / size
    image = np.zeros((size, size, 4))
    bend = float(generator.uniform(-0.12, 0.12))
    trunk = 0.5 + bend * (1 - rows) ** 2
    image[(np.abs(columns - trunk) < 0.012 + 0.012 * rows) & (rows > 0.26)] = (104, 92, 70, 255)
    for angle in np.concatenate([generator.uniform(0, np.pi, 9), generator.uniform(-0.5, np.pi + 0.5, 7)]):
        reach, droop = generator.uniform(0.26, 0.42), generator.uniform(0.25, 0.5)
        along = np.linspace(0, 1, 48)
        x = 0.5 + bend * 0.55 + reach * np.cos(angle) * along
        y = 0.26 - reach * 0.6 * np.sin(angle) * along + droop * reach * along**2
        light = generator.uniform(0.55, 1.0) * (0.8 + 0.3 * np.sin(angle))
        for px, py, share in zip(x, y, along, strict=True):
            half = 0.008 + 0.034 * np.sin(np.pi * min(1.0, share + 0.12)) * (0.6 + 0.4 * generator.random())
            blade = (np.abs(columns - px) < 0.012) & (rows - py > -0.4 * half) & (rows - py < half)
            image[blade] = (118 * light, 142 * light, 62 * light, 255)
    image[..., :3] *= 1 + 0.14 * noise(generator, size, 2, 2)[..., None]
    return np.asarray(image.clip(0, 255).astype(np.uint8))


def broadleaf(generator: np.random.Generator, size: int = 128) -> Pixels:
    """RGBA: a dense crown of leaves down to the ground, dark below."""
    rows, columns = np.mgrid[0:size, 0:size] / size
    image = np.zeros((size, size, 4))
    for height in np.sort(generator.uniform(0.1, 0.97, 46))[::-1]:
        reach = 0.1 + 0.3 * np.sin(np.pi * min(1.0, height * 0.8 + 0.14))
        x = 0.5 + generator.uniform(-reach, reach)
        wide, high = generator.uniform(0.07, 0.15), generator.uniform(0.05, 0.1)
        blob = ((columns - x) / wide) ** 2 + ((rows - height) / high) ** 2 + 0.5 * noise(generator, size, 3, 3) < 1
        light = generator.uniform(0.6, 1.0) * (1.2 - 0.75 * height)
        image[blob] = (78 * light, 104 * light, 52 * light, 255)
    image[..., :3] *= 1 + 0.22 * noise(generator, size, 2, 2)[..., None]
    return np.asarray(image.clip(0, 255).astype(np.uint8))
