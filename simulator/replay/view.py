"""Warp a recorded frame to another place of the car: it takes the nearest camera's frame and moves the road's plane.

It treats all below the horizon as flat road and all above as infinitely far. NVIDIA's replay simulator does the same
(Bojarski et al., 2016, End to End Learning for Self-Driving Cars). The hood belongs to the car and stays in place.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from simulator.render.camera import RECORDING, Camera, homographies

Indices = npt.NDArray[np.intp]
Pixels = npt.NDArray[np.uint32]
"""Four bytes a pixel: red, green, blue and an unused one. Pillow has the same layout, and numpy moves each as one."""

CAMERAS: dict[str, Camera] = RECORDING._asdict()
"""The cameras that take a recording's frames."""

SIDE_BORDER, TOP_BORDER, BOTTOM_BORDER = 96, 24, 40
"""Pixels added around the source, because a moved view looks past its edges."""

_HOOD_EDGES = {
    "center": ([36, 45, 107, 137, 170, 203, 257, 266], [160, 155, 143, 136, 136, 143, 155, 160]),
    "left": ([185, 189, 200, 220, 240, 267, 293, 320], [160, 151, 144, 141, 138, 136, 136, 137]),
    "right": ([0, 33, 50, 80, 100, 113, 122, 125], [134, 134, 136, 140, 142, 146, 152, 160]),
}
"""Columns and rows of the hood's edge in each camera's picture, measured on the median of 150 frames."""


def nearest_camera(lateral_offset_m: float, cameras: Mapping[str, object]) -> str:
    """Name the camera among `cameras` that is closest to a place lateral_offset_m left of the car's middle."""
    return min(
        (name for name in CAMERAS if name in cameras),
        key=lambda name: abs(CAMERAS[name].lateral_offset_m - lateral_offset_m),
    )


class Viewer:
    """Warps recorded frames to the view of `camera`.

    It holds the index tables that all frames share, and the last source that it widened.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._hood = np.nonzero(_hood("center"))
        horizon = camera.horizon_rows()
        self._first_road, self._end_far = math.floor(horizon.min()), math.ceil(horizon.max())
        self._road_at_horizon = np.nonzero(np.arange(self._first_road, self._end_far)[:, None] + 0.5 > horizon)
        self._source_pixels = {name: _source_pixels(name) for name in CAMERAS}
        self._pixels = np.empty(self._source_pixels["center"].shape, np.uint32)
        self._last_source: tuple[Frame | None, str] = (None, "")
        self._wide = _image(self._pixels)

    def view(
        self,
        frames: Mapping[str, Callable[[], Frame]],
        lateral_offset_m: float,
        heading_error_rad: float = 0.0,
        ahead_m: float = 0.0,
    ) -> Frame:
        """Render the camera's view from a car that is moved left and ahead and turned left, uint8 (160, 320, 3).

        frames: functions that return the moment's pictures by camera, `center` at least; only needed ones are called.
        """
        name = nearest_camera(lateral_offset_m, frames)
        source = frames[name]()
        center = source if name == "center" else frames["center"]()
        self._widen(source, name)
        to_road, to_far = homographies(self._camera, CAMERAS[name], lateral_offset_m, heading_error_rad, ahead_m)
        road = _warped_rows(self._wide, to_road, self._first_road, FRAME_ROWS)
        far = _warped_rows(self._wide, to_far, 0, self._end_far)
        far[self._first_road :][self._road_at_horizon] = road[self._road_at_horizon]
        result = np.concatenate([far, road[self._end_far - self._first_road :]])
        result[self._hood] = center[self._hood]
        return result

    def _widen(self, source: Frame, name: str) -> None:
        """Write the source into `_wide` with borders and without its hood; the road continues there as it does ahead.

        Several views of one source follow each other, so it is widened once; its pixels must not change meanwhile.
        """
        last_source, camera = self._last_source
        if source is last_source and name == camera:
            return
        pixels = np.empty((FRAME_ROWS, FRAME_COLUMNS, 4), np.uint8)
        pixels[..., :3] = source
        np.take(pixels.view(np.uint32).ravel(), self._source_pixels[name], out=self._pixels, mode="clip")
        self._last_source = source, name


def _hood(camera: str) -> npt.NDArray[np.bool_]:
    """Mask of the hood in a camera's picture: (160, 320)."""
    columns, rows = _HOOD_EDGES[camera]
    edge = np.interp(np.arange(FRAME_COLUMNS) + 0.5, columns, rows, left=FRAME_ROWS, right=FRAME_ROWS)
    return np.asarray(np.arange(FRAME_ROWS)[:, None] >= np.floor(edge))


@functools.cache
def _source_pixels(camera: str) -> Indices:
    """For each pixel of a camera's widened source, the number of the source pixel that fills it.

    All viewers share the table. A pixel that the camera saw fills itself. An unseen pixel of the road takes the first
    seen one towards the vanishing point, so that lines along the road continue. Beside the far scene it takes the
    scene's mirror image.
    """
    hood = _hood(camera) | _hood("center")
    rows, columns = np.mgrid[-TOP_BORDER : FRAME_ROWS + BOTTOM_BORDER, -SIDE_BORDER : FRAME_COLUMNS + SIDE_BORDER]
    inside = (rows >= 0) & (rows < FRAME_ROWS) & (columns >= 0) & (columns < FRAME_COLUMNS)
    unseen = ~inside
    unseen[inside] = hood.ravel()
    ahead = CAMERAS[camera].projection()[:, 2]
    vanishing_column, vanishing_row = ahead[:2] / ahead[2]
    down, right = rows[unseen] + 0.5 - vanishing_row, columns[unseen] + 0.5 - vanishing_column
    seen_row, seen_column = np.abs(rows[unseen]), columns[unseen]
    seen_column = np.where(seen_column < 0, -1 - seen_column, seen_column)
    seen_column = np.where(seen_column >= FRAME_COLUMNS, 2 * FRAME_COLUMNS - 1 - seen_column, seen_column)
    missing = down > right * math.tan(CAMERAS[camera].roll_rad)
    for nearer in np.arange(1.0, 0.3, -0.005):
        row, column = np.floor(vanishing_row + nearer * down), np.floor(vanishing_column + nearer * right)
        visible = missing & (row < FRAME_ROWS) & (column >= 0) & (column < FRAME_COLUMNS)
        visible[visible] = ~hood[row[visible].astype(int), column[visible].astype(int)]
        seen_row[visible], seen_column[visible] = row[visible], column[visible]
        missing &= ~visible
    numbers = rows * FRAME_COLUMNS + columns
    numbers[unseen] = seen_row * FRAME_COLUMNS + seen_column
    return numbers


def _image(pixels: Pixels) -> Image.Image:
    """A Pillow image that shares the array's memory."""
    rows, columns = pixels.shape
    return Image.frombuffer("RGBX", (columns, rows), pixels, "raw", "RGBX", 0, 1)


def _warped_rows(wide: Image.Image, homography: npt.NDArray[np.float64], first: int, end: int) -> Frame:
    """Warp rows `first` to `end` of the view. homography: view pixel -> source pixel, both without borders."""
    to_wide = np.array([[1.0, 0, SIDE_BORDER], [0, 1, TOP_BORDER], [0, 0, 1]])
    matrix = to_wide @ homography @ np.array([[1.0, 0, 0], [0, 1, first], [0, 0, 1]])
    matrix /= matrix[2, 2]
    size = (FRAME_COLUMNS, end - first)
    view = wide.transform(size, Image.Transform.PERSPECTIVE, matrix.ravel()[:8].tolist(), Image.Resampling.BILINEAR)
    return np.array(view.convert("RGB"))
