"""Where the pixels of a camera on the car look: which place of the road each shows, and what it would mirror."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from protocol.messages import FRAME_COLUMNS, FRAME_ROWS
from simulator.render.camera import Camera


@dataclass(frozen=True, slots=True)
class View:
    """A camera ahead_m before the rear axle, over a level road. scale: of the picture, 1 for the simulator's own."""

    camera: Camera
    ahead_m: float
    scale: int

    def rays(self) -> Float64Array:
        """Direction of each pixel to the right, down and ahead of the car, (rows, columns, 3), of length 1."""
        rows, columns = np.mgrid[0 : FRAME_ROWS * self.scale, 0 : FRAME_COLUMNS * self.scale]
        pixels = np.stack([(columns + 0.5) / self.scale, (rows + 0.5) / self.scale, np.ones(rows.shape)], 2)
        rays = pixels @ np.linalg.inv(self.camera.lens).T @ self.camera.axes().T
        return np.asarray(rays / np.linalg.norm(rays, axis=2, keepdims=True))

    def pixels(self, rays: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Rows and columns of the pixels that look along rays (..., 3), which must point ahead of the camera."""
        columns, rows, depth = np.moveaxis(rays @ self.camera.axes() @ self.camera.lens.T, -1, 0)
        return rows / depth * self.scale - 0.5, columns / depth * self.scale - 0.5

    def road(self, rays: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Metres ahead of the rear axle and to the left where rays (..., 3) meet the road; infinite where none does."""
        with np.errstate(divide="ignore", invalid="ignore"):
            length = np.where(rays[..., 1] > 0, self.camera.height_m / rays[..., 1], np.inf)
            ahead = self.ahead_m + length * rays[..., 2]
            left = self.camera.lateral_offset_m - length * rays[..., 0]
        return ahead, left
