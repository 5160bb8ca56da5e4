"""Render the frames of the car's cameras with Panda3D's software renderer."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    Camera,
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    NodePath,
    PerspectiveLens,
    Texture,
    WindowProperties,
    load_prc_file_data,
)

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from simulator.render.camera import CAMERA_AHEAD_M, CENTER, FOCAL_PX, VERTICAL_VIEW_DEG
from simulator.render.scenery import build_scenery
from simulator.world.track import Track

load_prc_file_data("", "load-display p3tinydisplay\naudio-library-name null\nnotify-level error\nsync-video false")


class Scene:
    """A track and the software renderer that draws it; `close` frees the renderer. Raises RuntimeError without one."""

    def __init__(self, track: Track) -> None:
        self._track = track
        pipe = _pipe()
        self._engine = GraphicsEngine(pipe)
        self._buffer = _offscreen(self._engine, pipe)
        self._texture = Texture()
        self._buffer.add_render_texture(self._texture, GraphicsOutput.RTM_copy_ram)
        self._root = NodePath("world")
        self._sky = build_scenery(track, self._root)
        self._camera = self._root.attach_new_node(Camera("camera", _lens()))
        self._buffer.make_display_region().set_camera(self._camera)

    def render(
        self, x: float, y: float, height_m: float, heading_rad: float, pitch: float = 0.0, lateral_offset_m: float = 0.0
    ) -> Frame:
        """Render a view, uint8 (160, 320, 3). lateral_offset_m: the camera's, positive left; pitch: the slope."""
        cos, sin = math.cos(heading_rad), math.sin(heading_rad)
        eye = (
            x + CAMERA_AHEAD_M * cos - lateral_offset_m * sin,
            y + CAMERA_AHEAD_M * sin + lateral_offset_m * cos,
            height_m + CENTER.height_m,
        )
        self._camera.set_pos(*eye)
        self._camera.set_hpr(math.degrees(heading_rad) - 90, math.degrees(math.atan(pitch) - CENTER.pitch_rad), 0)
        self._sky.set_pos(*eye)
        self._engine.render_frame()
        raw = np.frombuffer(self._texture.get_ram_image_as("RGB"), np.uint8)
        frame = raw.reshape(FRAME_ROWS, FRAME_COLUMNS, 3)[::-1].copy()
        rows, columns, colors = self._hood
        frame[rows, columns] = colors
        return frame

    @cached_property
    def _hood(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
        return hood()

    def close(self) -> None:
        """Free the renderer."""
        self._engine.remove_all_windows()


def hood() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
    """The car's hood at the bottom of the frame: its rows (n,), columns (n,) and colours (n, 3)."""
    rows, columns = np.mgrid[0:FRAME_ROWS, 0:FRAME_COLUMNS].astype(np.float64)
    distance = np.abs(columns - 160.0)
    edge = 137.0 + 8.0 * (distance / 55.0) ** 2
    flank = 147.0 + (distance - 55.0) * 0.18
    top = np.where(distance < 48, np.minimum(edge, flank), flank)
    depth = rows - top
    inside = (depth >= 0) & (distance < 125)
    color = np.zeros((FRAME_ROWS, FRAME_COLUMNS, 3))
    color[:] = (168, 158, 134)
    color[depth > 5] = (140, 129, 104)
    glass = rows - (151.0 + 9.0 * (distance / 62.0) ** 2)
    color[(glass > 0)] = (58, 58, 52)
    color[(glass > 2)] = (150, 160, 148)
    color[glass > 5] = (176, 184, 172)
    rim = inside & (depth < 1.2)
    color[rim] = np.where(((rows + columns) % 3 == 0)[rim][:, None], (225, 222, 206), (120, 110, 90))
    pixels = np.nonzero(inside)
    return pixels[0], pixels[1], color[pixels].astype(np.uint8)


def _pipe() -> GraphicsPipe:
    """The renderer that needs no display."""
    pipe = GraphicsPipeSelection.get_global_ptr().make_pipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
    if pipe is None:
        raise RuntimeError("this Panda3D has no software renderer (p3tinydisplay): install panda3d from PyPI")
    return pipe


def _offscreen(engine: GraphicsEngine, pipe: GraphicsPipe) -> GraphicsOutput:
    properties = FrameBufferProperties()
    properties.set_rgba_bits(8, 8, 8, 0)
    properties.set_depth_bits(24)
    size = WindowProperties.size(FRAME_COLUMNS, FRAME_ROWS)
    buffer = engine.make_output(pipe, "camera", 0, properties, size, GraphicsPipe.BF_refuse_window)
    if buffer is None:
        raise RuntimeError("Panda3D's software renderer could not open an offscreen buffer")
    return buffer


def _lens() -> PerspectiveLens:
    lens = PerspectiveLens()
    horizontal = 2 * math.degrees(math.atan(FRAME_COLUMNS / 2 / FOCAL_PX))
    lens.set_fov(horizontal, VERTICAL_VIEW_DEG)
    lens.set_near_far(0.4, 500.0)
    return lens
