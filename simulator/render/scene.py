"""Render the frames of the car's cameras with Panda3D's software renderer."""

from __future__ import annotations

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
from simulator.render.camera import AUTONOMOUS, CAMERA_AHEAD_M
from simulator.render.camera import Camera as CarCamera
from simulator.render.car_body import CarBody
from simulator.render.eye import BEHIND, BEHIND_M, CarPose, Eye, eye_of
from simulator.render.scenery import build_scenery
from simulator.render.weather.air import air_of
from simulator.render.weather.codes import NO_DISTANCE
from simulator.render.weather.distance import DistanceCode
from simulator.render.weather.rays import View
from simulator.world.track import Track

load_prc_file_data("", "load-display p3tinydisplay\naudio-library-name null\nnotify-level error\nsync-video false")

Hood = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.uint8]]
"""The pixels of the car's hood: rows (n,), columns (n,) and colours (n, 3)."""


class Scene:
    """A track and the software renderer that draws it; `close` frees the renderer. Raises RuntimeError without one."""

    def __init__(self, track: Track) -> None:
        self._pipe = _pipe()
        self._engine = GraphicsEngine(self._pipe)
        self._root = NodePath("world")
        self._scenery = NodePath("scenery")
        self.show(track)
        self._camera = self._root.attach_new_node(Camera("camera", _lens()))
        self._canvases = {1: _Canvas(self._engine, self._pipe, self._camera, 1)}

    def show(self, track: Track) -> None:
        """Draw another track from now on. A new Scene would do, but Panda3D never frees 0.4 MB of each renderer."""
        self._clear()
        self._scenery = self._root.attach_new_node("scenery")
        self._sky = build_scenery(track, self._scenery)
        self._air = air_of(track.weather)
        self._distance = DistanceCode(self._scenery) if self._air else None

    def _clear(self) -> None:
        """Remove the scenery; its textures are emptied, because Panda3D's cache of render states keeps them."""
        for texture in self._scenery.find_all_textures():
            texture.release_all()
            texture.clear_ram_image()
        self._scenery.remove_node()

    def render(
        self, pose: CarPose, camera: CarCamera = AUTONOMOUS.center, scale: int = 1, time_s: float = 0.0
    ) -> Frame:
        """Render what a camera of the car sees, uint8 (160 * scale, 320 * scale, 3).

        scale: 1 for the simulator's own size; time_s: of the game, at least 0, for the drops of rain.
        """
        return self._picture(View(camera, CAMERA_AHEAD_M, scale), pose, time_s)

    def render_behind(self, pose: CarPose, wheels_deg: float, scale: int = 1, time_s: float = 0.0) -> Frame:
        """Render the car from behind, as `render`. wheels_deg: of the front wheels, positive left."""
        self._body.place(pose, wheels_deg)
        frame = self._picture(View(BEHIND, -BEHIND_M, scale), pose, time_s, hooded=False)
        self._body.hide()
        return frame

    def _picture(self, view: View, pose: CarPose, time_s: float, hooded: bool = True) -> Frame:
        """Draw what a camera sees in this weather. hooded: whether it sees the car's hood."""
        self._place_camera(eye_of(view.camera, view.ahead_m, pose))
        if self._distance is not None:
            self._distance.place(pose.x, pose.y, pose.heading_rad)
        canvas = self._canvas(view.scale)
        pixels = canvas.draw("RGB" if self._air is None else "RGBA")
        if hooded:
            rows, columns, colors = canvas.hood
            pixels[rows, columns, :3] = colors
            pixels[rows, columns, 3:] = NO_DISTANCE
        return pixels if self._air is None else self._air.finish(pixels, view, time_s)

    def _place_camera(self, eye: Eye) -> None:
        eye.look(self._camera)
        self._sky.set_pos(*eye.place)

    @cached_property
    def _body(self) -> CarBody:
        return CarBody(self._root)

    def _canvas(self, scale: int) -> _Canvas:
        """The canvas of this size, made at its first use; the renderer then draws on no other."""
        if scale not in self._canvases:
            self._canvases[scale] = _Canvas(self._engine, self._pipe, self._camera, scale)
        for size, canvas in self._canvases.items():
            canvas.buffer.set_active(size == scale)
        return self._canvases[scale]

    def close(self) -> None:
        """Free the renderer."""
        if self._scenery:
            self._clear()
        self._engine.remove_all_windows()


class _Canvas:
    """An offscreen picture of `scale` times the simulator's size, into which one camera looks."""

    def __init__(self, engine: GraphicsEngine, pipe: GraphicsPipe, camera: NodePath, scale: int) -> None:
        self._engine = engine
        self._shape = (FRAME_ROWS * scale, FRAME_COLUMNS * scale)
        self._scale = scale
        self.buffer = _offscreen(engine, pipe, scale)
        self._texture = Texture()
        self.buffer.add_render_texture(self._texture, GraphicsOutput.RTM_copy_ram)
        self.buffer.make_display_region().set_camera(camera)

    def draw(self, channels: str) -> npt.NDArray[np.uint8]:
        """Draw what the camera sees, uint8 (rows, columns, len(channels)). channels: `RGB` or `RGBA`."""
        self._engine.render_frame()
        raw = np.frombuffer(self._texture.get_ram_image_as(channels), np.uint8)
        return raw.reshape(*self._shape, len(channels))[::-1].copy()

    @cached_property
    def hood(self) -> Hood:
        """The hood at this size."""
        return hood(self._scale)


def hood(scale: int = 1) -> Hood:
    """The car's hood at the bottom of the frame. scale: of the frame."""
    rows, columns = np.mgrid[0 : FRAME_ROWS * scale, 0 : FRAME_COLUMNS * scale] / scale
    distance = np.abs(columns - 160.0)
    edge = 137.0 + 8.0 * (distance / 55.0) ** 2
    flank = 147.0 + (distance - 55.0) * 0.18
    top = np.where(distance < 48, np.minimum(edge, flank), flank)
    depth = rows - top
    inside = (depth >= 0) & (distance < 125)
    color = np.zeros((*rows.shape, 3))
    color[:] = (168, 158, 134)
    color[depth > 5] = (140, 129, 104)
    glass = rows - (151.0 + 9.0 * (distance / 62.0) ** 2)
    color[(glass > 0)] = (58, 58, 52)
    color[(glass > 2)] = (150, 160, 148)
    color[glass > 5] = (176, 184, 172)
    rim = inside & (depth < 1.2)
    color[rim] = np.where(((rows + columns) // 1 % 3 == 0)[rim][:, None], (225, 222, 206), (120, 110, 90))
    pixels = np.nonzero(inside)
    return pixels[0], pixels[1], color[pixels].astype(np.uint8)


def _pipe() -> GraphicsPipe:
    """The renderer that needs no display."""
    pipe = GraphicsPipeSelection.get_global_ptr().make_pipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
    if pipe is None:
        raise RuntimeError("this Panda3D has no software renderer (p3tinydisplay): install panda3d from PyPI")
    return pipe


def _offscreen(engine: GraphicsEngine, pipe: GraphicsPipe, scale: int) -> GraphicsOutput:
    properties = FrameBufferProperties()
    properties.set_rgba_bits(8, 8, 8, 0)
    properties.set_depth_bits(24)
    size = WindowProperties.size(FRAME_COLUMNS * scale, FRAME_ROWS * scale)
    buffer = engine.make_output(pipe, "camera", 0, properties, size, GraphicsPipe.BF_refuse_window)
    if buffer is None:
        raise RuntimeError("Panda3D's software renderer could not open an offscreen buffer")
    return buffer


def _lens() -> PerspectiveLens:
    """A lens; whoever looks through it says how wide its view is."""
    lens = PerspectiveLens()
    lens.set_near_far(0.4, 500.0)
    return lens
