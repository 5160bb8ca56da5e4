"""A recorded moment seen from beside: its nearest camera, warped over the road's plane to where the car would be.

What lies below the horizon is taken for flat road, what lies above for infinitely far, as NVIDIA's replay simulator
does (Bojarski et al., 2016, End to End Learning for Self-Driving Cars). The hood is the car's own and stays in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from simulator.render.camera import CENTER, LEFT, RIGHT, homographies

Indices = npt.NDArray[np.intp]
Pixels = npt.NDArray[np.uint32]
"""Four bytes a pixel, red, green, blue and one that means nothing: as Pillow keeps them, moved in one piece."""

CAMERAS = {"center": CENTER, "left": LEFT, "right": RIGHT}

SIDE_BORDER, TOP_BORDER, BOTTOM_BORDER = 96, 24, 40
"""Pixels added around the source, for views that look past its edge."""

HORIZON = round(CENTER.horizon_row)

_HOOD_EDGES = {
    "center": ([36, 45, 107, 137, 170, 203, 257, 266], [160, 155, 143, 136, 136, 143, 155, 160]),
    "left": ([185, 189, 200, 220, 240, 267, 293, 320], [160, 151, 144, 141, 138, 136, 136, 137]),
    "right": ([0, 33, 50, 80, 100, 113, 122, 125], [134, 134, 136, 140, 142, 146, 152, 160]),
}
"""Columns and rows along which the car's nose ends in each picture; measured on the median of 150 frames."""


def nearest_camera(lateral_offset_m: float, cameras: Mapping[str, object]) -> str:
    """Of those there are, the one that sat closest to a place lateral_offset_m left of the middle."""
    return min(
        (name for name in CAMERAS if name in cameras),
        key=lambda name: abs(CAMERAS[name].lateral_offset_m - lateral_offset_m),
    )


class Viewer:
    """Warps frames; holds what is the same for all of them, and the last one that it widened."""

    def __init__(self) -> None:
        center = _hood("center")
        self._hood = np.nonzero(center)
        self._stands_for = {name: _continued(_hood(name) | center) for name in CAMERAS}
        self._pixels = np.empty(self._stands_for["center"].shape, np.uint32)
        self._widened: tuple[Frame | None, str] = (None, "")
        self._wide = _image(self._pixels)

    def view(
        self,
        frames: Mapping[str, Callable[[], Frame]],
        lateral_offset_m: float,
        heading_error_rad: float = 0.0,
        ahead_m: float = 0.0,
    ) -> Frame:
        """uint8 (160, 320, 3) as the centre camera would see, of a car so far left of, turned left of, ahead of this.

        frames: the moment's pictures by camera, `center` at least; only those that are needed are asked for.
        """
        name = nearest_camera(lateral_offset_m, frames)
        source = frames[name]()
        center = source if name == "center" else frames["center"]()
        self._widen(source, name)
        road, far = homographies(CENTER, CAMERAS[name], lateral_offset_m, heading_error_rad, ahead_m)
        result = np.empty((FRAME_ROWS, FRAME_COLUMNS, 3), np.uint8)
        result[:HORIZON] = _transformed(self._wide, far, 0, HORIZON)
        result[HORIZON:] = _transformed(self._wide, road, HORIZON, FRAME_ROWS)
        result[self._hood] = center[self._hood]
        return result

    def _widen(self, source: Frame, name: str) -> None:
        """The source without its hood and with borders, the road going on there as it does ahead, into `_wide`.

        A picture is shown from several places in turn; it must not change meanwhile.
        """
        before, camera = self._widened
        if source is before and name == camera:
            return
        pixels = np.empty((FRAME_ROWS, FRAME_COLUMNS, 4), np.uint8)
        pixels[..., :3] = source
        np.take(pixels.view(np.uint32).ravel(), self._stands_for[name], out=self._pixels, mode="clip")
        self._widened = source, name


def _hood(camera: str) -> npt.NDArray[np.bool_]:
    """Where the car's nose is in its picture: (160, 320)."""
    columns, rows = _HOOD_EDGES[camera]
    edge = np.interp(np.arange(FRAME_COLUMNS) + 0.5, columns, rows, left=FRAME_ROWS, right=FRAME_ROWS)
    return np.asarray(np.arange(FRAME_ROWS)[:, None] >= np.floor(edge))


def _continued(hood: npt.NDArray[np.bool_]) -> Indices:
    """For each pixel of the widened source the seen pixel that stands for it, as its number in the source.

    Those that the camera saw stand for themselves. For the others, on the road: the first seen one towards the
    vanishing point, so that lines along the road go on. Beside the far scene: its mirror image.
    """
    rows, columns = np.mgrid[-TOP_BORDER : FRAME_ROWS + BOTTOM_BORDER, -SIDE_BORDER : FRAME_COLUMNS + SIDE_BORDER]
    inside = (rows >= 0) & (rows < FRAME_ROWS) & (columns >= 0) & (columns < FRAME_COLUMNS)
    unseen = ~inside
    unseen[inside] = hood.ravel()
    down, right = rows[unseen] + 0.5 - HORIZON, columns[unseen] + 0.5 - FRAME_COLUMNS / 2
    seen_row, seen_column = np.abs(rows[unseen]), columns[unseen]
    seen_column = np.where(seen_column < 0, -1 - seen_column, seen_column)
    seen_column = np.where(seen_column >= FRAME_COLUMNS, 2 * FRAME_COLUMNS - 1 - seen_column, seen_column)
    missing = down > 0
    for nearer in np.arange(1.0, 0.3, -0.005):
        row, column = np.floor(HORIZON + nearer * down), np.floor(FRAME_COLUMNS / 2 + nearer * right)
        found = missing & (row < FRAME_ROWS) & (column >= 0) & (column < FRAME_COLUMNS)
        found[found] = ~hood[row[found].astype(int), column[found].astype(int)]
        seen_row[found], seen_column[found] = row[found], column[found]
        missing &= ~found
    numbers = rows * FRAME_COLUMNS + columns
    numbers[unseen] = seen_row * FRAME_COLUMNS + seen_column
    return numbers


def _image(pixels: Pixels) -> Image.Image:
    """The same memory, as Pillow sees it."""
    rows, columns = pixels.shape
    return Image.frombuffer("RGBX", (columns, rows), pixels, "raw", "RGBX", 0, 1)


def _transformed(wide: Image.Image, homography: npt.NDArray[np.float64], first: int, end: int) -> Frame:
    """Rows `first` to `end` of the shown picture. homography: shown pixel -> source pixel, both without borders."""
    into = np.array([[1.0, 0, SIDE_BORDER], [0, 1, TOP_BORDER], [0, 0, 1]])
    matrix = into @ homography @ np.array([[1.0, 0, 0], [0, 1, first], [0, 0, 1]])
    matrix /= matrix[2, 2]
    size = (FRAME_COLUMNS, end - first)
    moved = wide.transform(size, Image.Transform.PERSPECTIVE, matrix.ravel()[:8].tolist(), Image.Resampling.BILINEAR)
    return np.asarray(moved.convert("RGB"))
