"""Draw a baked scene by OpenGL without a display: on a GPU, or on Mesa's llvmpipe where there is none."""

from __future__ import annotations

import math
import os
from functools import cached_property

import numpy as np
from panda3d.core import (
    BoundingBox,
    Camera,
    DepthTestAttrib,
    FrameBufferProperties,
    GeomNode,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    LODNode,
    NodePath,
    PerspectiveLens,
    Point3,
    PTA_LVecBase3f,
    RenderAttrib,
    Shader,
    Texture,
    Vec2,
    Vec3,
    WindowProperties,
    load_prc_file_data,
)

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS, Frame
from simulator.render.camera import FOCAL_PX, VERTICAL_VIEW_DEG
from simulator.render.car_body import CarBody
from simulator.render.eye import Eye
from simulator.render.udacity import shaders
from simulator.render.udacity.bake import Baked
from simulator.render.udacity.levels import Surface, surface
from simulator.render.udacity.light import as_bytes
from simulator.render.udacity.panda import node_of, page_texture
from simulator.render.udacity.sky import dome
from simulator.render.udacity.tiles import Grid, Mesh
from simulator.unity.unity_scene import UnityScene

NEAR_M, FAR_M = 0.3, 1000.0
LEAST_ALPHA = 0.5


class NoOpenGl(RuntimeError):
    """This machine has no OpenGL that works without a display."""


class OpenGl:
    """An OpenGL context and its offscreen pictures, which all scenes of a thread share. Raises NoOpenGl."""

    def __init__(self) -> None:
        os.environ.setdefault("LP_NUM_THREADS", "0")
        load_prc_file_data("", "gl-version 3 2\nnotify-level error\nsync-video false\naudio-library-name null")
        self._pipe = GraphicsPipeSelection.get_global_ptr().make_module_pipe("p3headlessgl")
        if self._pipe is None:
            raise NoOpenGl("this Panda3D has no p3headlessgl")
        self._engine = GraphicsEngine(self._pipe)
        self._canvases: dict[int, _Canvas] = {}
        self._canvas(1)

    def draw(self, camera: NodePath, scale: int) -> Frame:
        """Draw what a camera sees, uint8 RGB (160 * scale, 320 * scale, 3)."""
        return self._canvas(scale).draw(camera)

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
        self._shape = (FRAME_ROWS * scale, FRAME_COLUMNS * scale, 4)
        size = WindowProperties.size(self._shape[1], self._shape[0])
        self.buffer = engine.make_output(pipe, "camera", 0, properties, size, GraphicsPipe.BF_refuse_window)
        if self.buffer is None:
            raise NoOpenGl("OpenGL opens no offscreen picture")
        self.buffer.set_clear_color_active(False)
        self._texture = Texture()
        self.buffer.add_render_texture(self._texture, GraphicsOutput.RTM_copy_ram)
        self._region = self.buffer.make_display_region()
        self._engine = engine

    def draw(self, camera: NodePath) -> Frame:
        self._region.set_camera(camera)
        self._engine.render_frame()
        pixels = np.frombuffer(self._texture.get_ram_image(), np.uint8).reshape(self._shape)
        return np.ascontiguousarray(pixels[::-1, :, 2::-1])


class OpenGlScene:
    """A baked scene on the graphics card, with the camera that looks at it."""

    def __init__(self, opengl: OpenGl, baked: Baked, scene: UnityScene) -> None:
        self._opengl = opengl
        self.root = NodePath("world")
        self.root.set_shader_input("pages", page_texture("pages", baked.pages))
        fog = scene.fog
        end_m, span_m = (fog.end_m, fog.end_m - fog.start_m) if fog else (2 * FAR_M, FAR_M)
        self.root.set_shader_input("fog_color", Vec3(*(fog.color if fog else (0, 0, 0))))
        self.root.set_shader_input("fog", Vec2(end_m, 1 / span_m))
        self._group("solid", baked.solid, shaders.SOLID)
        for land in baked.land:
            ground = self._group("land", land.surface, shaders.LAND)
            wide, high = land.tile_m
            ground.set_shader_input("repeats", Vec3(1 / wide, 1 / high, land.page))
            colors = PTA_LVecBase3f()
            for color in land.colors.tolist():
                colors.push_back(Vec3(*color))
            ground.set_shader_input("layer_colors", colors)
        cut_out = self._group("cut out", baked.cut_out, shaders.CUT_OUT)
        cut_out.set_shader_input("least_alpha", LEAST_ALPHA)
        cut_out.set_two_sided(True)
        cards = self._group("cards", baked.cards, shaders.CARDS)
        cards.set_shader_input("least_alpha", shaders.CARD_ALPHA)
        cards.set_two_sided(True)
        self._sky = self._dome(scene)
        self.camera = self.root.attach_new_node(Camera("camera", _lens()))

    @cached_property
    def car(self) -> CarBody:
        """The car's body, hidden until it is placed."""
        holder = self.root.attach_new_node("car")
        holder.set_shader(Shader.make(Shader.SL_GLSL, *shaders.PLAIN))
        return CarBody(holder)

    def draw(self, eye: Eye, scale: int) -> Frame:
        """Draw what is seen from here, uint8 RGB (160 * scale, 320 * scale, 3)."""
        self.camera.set_pos(*eye.place)
        self.camera.set_hpr(*eye.turn_deg)
        self._sky.set_pos(*eye.place)
        return self._opengl.draw(self.camera, scale)

    def _group(self, name: str, parts: Surface, source: tuple[str, str]) -> NodePath:
        """Attach a surface that one shader draws; groups are drawn in the order in which they are attached."""
        group = self.root.attach_new_node(name)
        group.set_bin("fixed", self.root.get_num_children())
        group.set_shader(Shader.make(Shader.SL_GLSL, *source))
        for levels in parts.tiles.values():
            tile = group
            if len(levels) > 1:
                tile = group.attach_new_node(LODNode(name))
                tile.node().set_center(Point3(*_middle(levels[0].mesh)))
            for number, level in enumerate(levels):
                tile.attach_new_node(_bounded(node_of(name, level.mesh), level.mesh))
                if tile is not group:
                    last = number + 1 == len(levels)
                    tile.node().add_switch(2 * FAR_M if last else levels[number + 1].from_m, level.from_m)
        return group

    def _dome(self, scene: UnityScene) -> NodePath:
        sun = max(scene.lights, key=lambda light: sum(light.color))
        places, color, corners = dome((-sun.direction[0], -sun.direction[1], -sun.direction[2]))
        sky = self._group(
            "sky",
            surface([Mesh({"places": places, "color": as_bytes(color)}, corners)], grid=Grid((-2, -2), (4, 4))),
            shaders.SKY,
        )
        sky.set_two_sided(True)
        sky.set_depth_write(False)
        sky.set_attrib(DepthTestAttrib.make(RenderAttrib.M_less_equal))
        sky.node().set_bounds(BoundingBox(Point3(-2, -2, -2), Point3(2, 2, 2)))
        return sky


def _middle(mesh: Mesh) -> list[float]:
    places = mesh.columns["places"]
    return ((places.min(0) + places.max(0)) / 2).tolist()


def _bounded(node: GeomNode, mesh: Mesh) -> GeomNode:
    """Tell Panda3D how far cards reach from their foot, which it cannot know."""
    if "reach" in mesh.columns:
        places, reach = mesh.columns["places"], mesh.columns["reach"]
        aside = float(np.abs(reach[:, 0]).max())
        low, high = places.min(0) - (aside, aside, 0), places.max(0) + (aside, aside, reach[:, 1].max())
        node.set_bounds(BoundingBox(Point3(*low.tolist()), Point3(*high.tolist())))
        node.set_final(True)
    return node


def _lens() -> PerspectiveLens:
    lens = PerspectiveLens()
    lens.set_fov(2 * math.degrees(math.atan(FRAME_COLUMNS / 2 / FOCAL_PX)), VERTICAL_VIEW_DEG)
    lens.set_near_far(NEAR_M, FAR_M)
    return lens
