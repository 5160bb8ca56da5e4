"""Draw a baked scene by OpenGL without a display: on a GPU, or on Mesa's llvmpipe where there is none."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from panda3d.core import (
    BoundingBox,
    Camera,
    DepthTestAttrib,
    GeomNode,
    GraphicsPipeSelection,
    NodePath,
    Point3,
    PTA_LVecBase3f,
    RenderAttrib,
    Shader,
    Texture,
    Vec2,
    Vec3,
    load_prc_file_data,
)

from protocol.arrays import Float64Array
from protocol.messages import Frame
from simulator.render.car_body import CarBody
from simulator.render.eye import Eye
from simulator.render.udacity import shaders
from simulator.render.udacity.baking.bake import Baked
from simulator.render.udacity.baking.light import as_bytes, light_of_cards
from simulator.render.udacity.baking.tiles import Mesh, Surface, TileGrid, surface
from simulator.render.udacity.canvas import FAR_M, Canvases, lens
from simulator.render.udacity.panda import attach_surface, freed_with, node_of, page_texture
from simulator.render.udacity.shadows import shadow_map
from simulator.render.udacity.sky import dome
from simulator.unity.unity_scene import Light, UnityScene

LEAST_ALPHA = 0.5
SHARP = -1.0
"""The bias of pictures' levels with cast shadows. Unity's better qualities filter pictures along the look, which costs
llvmpipe a second a frame; this leaves asphalt about the grain that theirs has on recordings.
"""

NO_LIGHT = Light((0.0, 0.0, -1.0), (0.0, 0.0, 0.0))
DRIVERS = ("swrast_dri.so", "libgallium-*.so")
"""Mesa's drivers for a CPU, in old and new versions."""


class NoOpenGl(RuntimeError):
    """This machine has no OpenGL that works without a display."""


@cache
def _keep_llvms_apart() -> None:
    """Mesa's driver and TensorFlow each bring an LLVM; one that called the other's would end the process.

    So the driver, and whatever Python loads after it, look up names in their own libraries first.
    """
    own_names_first = getattr(os, "RTLD_DEEPBIND", 0)
    if not own_names_first:
        return
    folders = [os.environ.get("LIBGL_DRIVERS_PATH", "")]
    for folder in (f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}", "/usr/lib64", "/usr/lib"):
        folders += [folder, f"{folder}/dri"]
    for folder in filter(None, folders):
        for driver in (file for name in DRIVERS for file in sorted(Path(folder).glob(name))):
            with suppress(OSError):
                ctypes.CDLL(str(driver), os.RTLD_NOW | own_names_first)
    sys.setdlopenflags(sys.getdlopenflags() | own_names_first)


def open_opengl() -> Canvases:
    """Open an OpenGL context for the calling thread: on a GPU, or on Mesa's llvmpipe. Raises NoOpenGl."""
    _keep_llvms_apart()
    os.environ.setdefault("LP_NUM_THREADS", "0")  # llvmpipe draws in the calling thread, on one core
    load_prc_file_data("", "gl-version 3 2\nnotify-level-display fatal\nnotify-level-egldisplay fatal")
    pipe = GraphicsPipeSelection.get_global_ptr().make_module_pipe("p3headlessgl")
    if pipe is None or not pipe.is_valid():
        raise NoOpenGl("no EGL library works here" if pipe else "this Panda3D has no p3headlessgl")
    try:
        return Canvases(pipe)
    except RuntimeError as error:
        raise NoOpenGl(str(error)) from error


class OpenGlScene:
    """A baked scene on the graphics card, with the camera that looks at it.

    shaded_road: the road's centre line (n, 3), round which shadows fall; None for a scene without shadows.
    """

    def __init__(
        self, canvases: Canvases, baked: Baked, scene: UnityScene, shaded_road: Float64Array | None = None
    ) -> None:
        self._canvases = canvases
        self.root = NodePath("world")
        pages = page_texture("pages", baked.pages, 0.0 if shaded_road is None else SHARP)
        self.root.set_shader_input("pages", pages)
        fog = scene.fog
        end_m, span_m = (fog.end_m, fog.end_m - fog.start_m) if fog else (2 * FAR_M, FAR_M)
        self.root.set_shader_input("fog_color", Vec3(*(fog.color if fog else (0, 0, 0))))
        self.root.set_shader_input("fog", Vec2(end_m, 1 / span_m))
        sun = scene.lights[0]
        self.root.set_shader_input("sun_color", Vec3(*sun.color))
        self.root.set_shader_input("to_sun", -Vec3(*sun.direction))
        self._group("solid", baked.solid, shaders.SOLID)
        for land in baked.land:
            name, source = ("rough land", shaders.ROUGH_LAND) if land.rough else ("land", shaders.LAND)
            ground = self._group(name, land.surface, source)
            wide, high = land.tile_m
            ground.set_shader_input("repeats", Vec3(1 / wide, 1 / high, land.page))
            ground.set_shader_input("layer_colors", _vectors(land.colors.tolist()))
        cut_out = self._group("cut out", baked.cut_out, shaders.CUT_OUT)
        cut_out.set_shader_input("least_alpha", LEAST_ALPHA)
        cut_out.set_two_sided(True)
        cards = self._group("cards", baked.cards, shaders.CARDS)
        cards.set_shader_input("least_alpha", shaders.CARD_ALPHA)
        cards.set_two_sided(True)
        cards.set_shader_input("card_light", _vectors(light_of_cards(scene.lights, scene.ambient).tolist()))
        self._sky = self._dome(scene)
        self.camera = self.root.attach_new_node(Camera("camera", lens()))
        shadows = [] if shaded_road is None else [self._cast_shadows(scene, shaded_road)]
        self.textures = [pages, *shadows]
        freed_with(self, self.root, self.textures)

    @cached_property
    def car(self) -> CarBody:
        """The car's body, hidden until it is placed."""
        holder = self.root.attach_new_node("car")
        holder.set_shader(_shader(shaders.PLAIN))
        return CarBody(holder)

    def draw(self, eye: Eye, scale: int) -> Frame:
        """Draw what is seen from here, uint8 RGB (160 * scale, 320 * scale, 3)."""
        eye.look(self.camera)
        self._sky.set_pos(*eye.place)
        pixels = self._canvases.draw(self.camera, scale)
        frame = np.empty((*pixels.shape[:2], 3), np.uint8)
        for channel in range(3):  # numpy is much slower where it turns the channels of each pixel round
            frame[..., channel] = pixels[..., 2 - channel]
        return frame

    def _group(self, name: str, parts: Surface, source: tuple[str, str]) -> NodePath:
        """Attach a surface that one shader draws; groups are drawn in the order in which they are attached."""
        group = attach_surface(self.root, name, parts, lambda mesh: _bounded(node_of(name, mesh), mesh))
        group.set_shader(_shader(source))
        return group

    def _cast_shadows(self, scene: UnityScene, road: Float64Array) -> Texture:
        """Draw what the sun sees, and use it for all surfaces on which shadows fall; returns the picture."""
        sun = scene.lights[0]
        self._sky.hide()
        picture, rows = shadow_map(self._canvases, self.root, sun, road)
        self._sky.show()
        self.root.set_shader_input("shadow_map", picture)
        self.root.set_shader_input("shadow_rows", rows)
        self.root.set_shader_input("shade_strength", sun.shadow)
        second = scene.lights[1] if len(scene.lights) > 1 else NO_LIGHT
        self.root.set_shader_input("second_color", Vec3(*second.color))
        self.root.set_shader_input("to_second", -Vec3(*second.direction))
        shaded = {
            "solid": shaders.SOLID,
            "land": shaders.LAND,
            "rough land": shaders.ROUGH_LAND,
            "cut out": shaders.CUT_OUT,
        }
        for name, source in shaded.items():
            for group in self.root.find_all_matches(name):
                group.set_shader(_shader(shaders.shadowed(source)))
        return picture

    def _dome(self, scene: UnityScene) -> NodePath:
        sun = max(scene.lights, key=lambda light: sum(light.color))
        places, color, corners = dome((-sun.direction[0], -sun.direction[1], -sun.direction[2]))
        sky = self._group(
            "sky",
            surface([Mesh({"places": places, "color": as_bytes(color)}, corners)], grid=TileGrid((-2, -2), (4, 4))),
            shaders.SKY,
        )
        sky.set_two_sided(True)
        sky.set_depth_write(False)
        sky.set_attrib(DepthTestAttrib.make(RenderAttrib.M_less_equal))
        sky.node().set_bounds(BoundingBox(Point3(-2, -2, -2), Point3(2, 2, 2)))
        return sky


@cache
def _shader(source: tuple[str, str]) -> Shader:
    """One shader for all scenes: the driver compiles it once, and Panda3D would keep every one."""
    return Shader.make(Shader.SL_GLSL, *source)


def _vectors(values: Iterable[Sequence[float]]) -> PTA_LVecBase3f:
    array = PTA_LVecBase3f()
    for value in values:
        array.push_back(Vec3(*value))
    return array


def _bounded(node: GeomNode, mesh: Mesh) -> GeomNode:
    """Tell Panda3D how far cards reach from their foot, which it cannot know."""
    if "reach" in mesh.columns:
        places, reach = mesh.columns["places"], mesh.columns["reach"]
        aside = float(np.abs(reach[:, 0]).max())
        low, high = places.min(0) - (aside, aside, 0), places.max(0) + (aside, aside, reach[:, 1].max())
        node.set_bounds(BoundingBox(Point3(*low.tolist()), Point3(*high.tolist())))
        node.set_final(True)
    return node
