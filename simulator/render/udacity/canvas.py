"""Offscreen pictures that Panda3D draws and copies into memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    NodePath,
    PerspectiveLens,
    Texture,
    WindowProperties,
)

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

NEAR_M, FAR_M = 0.3, 1000.0


class Canvases:
    """Pictures of the simulator's size and multiples of it, made when they are first drawn on.

    Raises RuntimeError if the renderer opens none.
    """

    def __init__(self, pipe: GraphicsPipe) -> None:
        self._pipe = pipe
        self._engine = GraphicsEngine(pipe)
        self._canvases: dict[int, _Canvas] = {}
        self._canvas(1)

    def draw(self, camera: NodePath, scale: int) -> npt.NDArray[np.uint8]:
        """What a camera sees, uint8 (160 * scale, 320 * scale, 4): blue, green, red, alpha; valid until the next."""
        canvas = self._canvas(scale)
        canvas.region.set_camera(camera)
        self._engine.render_frame()
        return np.frombuffer(canvas.texture.get_ram_image(), np.uint8).reshape(canvas.shape)[::-1]

    def draw_distances(self, camera: NodePath, picture: Texture, side_px: int) -> None:
        """Draw once how far away that is what a camera sees, into a square picture of 16 bits. Raises RuntimeError."""
        host = self._canvas(1).buffer
        host.set_active(False)
        properties = FrameBufferProperties()
        properties.set_depth_bits(16)
        size = WindowProperties.size(side_px, side_px)
        flags = GraphicsPipe.BF_refuse_window | GraphicsPipe.BF_fb_props_optional
        buffer = self._engine.make_output(self._pipe, "distances", -1, properties, size, flags, host.get_gsg(), host)
        if buffer is None:
            raise RuntimeError(f"{self._pipe.get_interface_name()} draws no distances")
        picture.set_format(Texture.F_depth_component16)
        buffer.add_render_texture(picture, GraphicsOutput.RTM_bind_or_copy, GraphicsOutput.RTP_depth)
        buffer.make_display_region().set_camera(camera)
        self._engine.render_frame()
        self._engine.remove_window(buffer)

    def _canvas(self, scale: int) -> _Canvas:
        if scale not in self._canvases:
            self._canvases[scale] = _Canvas(self._engine, self._pipe, scale)
        for size, canvas in self._canvases.items():
            canvas.buffer.set_active(size == scale)
        return self._canvases[scale]

    @property
    def driver(self) -> str:
        """Who draws, as the driver calls itself."""
        return str(self._canvases[1].buffer.get_gsg().get_driver_renderer())


class _Canvas:
    """An offscreen picture of `scale` times the simulator's size."""

    def __init__(self, engine: GraphicsEngine, pipe: GraphicsPipe, scale: int) -> None:
        properties = FrameBufferProperties()
        properties.set_rgba_bits(8, 8, 8, 8)
        properties.set_depth_bits(24)
        self.shape = (FRAME_ROWS * scale, FRAME_COLUMNS * scale, 4)
        size = WindowProperties.size(self.shape[1], self.shape[0])
        self.buffer = engine.make_output(pipe, "camera", 0, properties, size, GraphicsPipe.BF_refuse_window)
        if self.buffer is None:
            raise RuntimeError(f"{pipe.get_interface_name()} opens no offscreen picture")
        self.buffer.set_clear_color_active(False)  # the sky covers all
        self.texture = Texture()
        self.buffer.add_render_texture(self.texture, GraphicsOutput.RTM_copy_ram)
        self.region = self.buffer.make_display_region()


def lens() -> PerspectiveLens:
    """A lens that sees as near and as far as Udacity's cameras; whoever looks says how wide its view is."""
    camera_lens = PerspectiveLens()
    camera_lens.set_near_far(NEAR_M, FAR_M)
    return camera_lens
