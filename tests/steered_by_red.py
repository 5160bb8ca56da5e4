"""A recording whose driver steers by the balance of red between left and right, and networks that do the same."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

SECONDS = 40
ROWS_A_SECOND = 5


def balance(frame: np.ndarray, channel: int) -> float:
    """By how much one channel of the road is brighter on the left than on the right, -1..1."""
    road = frame[60:135, :, channel].astype(np.float64) / 255
    return float(road[:, :160].mean() - road[:, 160:].mean())


def steered_recording(folder: Path) -> Path:
    """Fill a folder with pictures whose channels have nothing to do with each other, steered by the balance of red."""
    (folder / "IMG").mkdir()
    rng = np.random.default_rng(4)
    lines = []
    for second in range(SECONDS):
        coarse_picture = rng.integers(0, 256, (8, 4, 3))
        frame = np.kron(coarse_picture, np.ones((20, 80, 1))).astype(np.uint8)
        steering = 2 * balance(frame, 0)
        for row in range(ROWS_A_SECOND):
            name = f"center_2026_01_01_12_{second // 60:02d}_{second % 60:02d}_{row * 200:03d}.png"
            Image.fromarray(frame).save(folder / "IMG" / name)
            lines.append(f"IMG/{name},,,{np.clip(steering, -1, 1):.5f},0.5,0,15")
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n")
    return folder


def balancing_network(channel: int, factor: float = 2.0) -> keras.Model:
    """A network of 66x200 pixels, scaled to 0..1, that answers `factor` times the balance of one channel."""
    head = layers.Dense(1)
    model = keras.Sequential([keras.Input((66, 200, 3)), layers.AveragePooling2D((66, 100)), layers.Flatten(), head])
    kernel = np.zeros((6, 1), np.float32)
    kernel[channel], kernel[3 + channel] = factor, -factor
    head.set_weights([kernel, np.zeros(1, np.float32)])
    return model
