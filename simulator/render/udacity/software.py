"""Draw a baked scene by Panda3D's own software renderer, where there is no OpenGL.

It multiplies pictures by colours of vertices, but it knows neither fog nor shaders. So a second picture, laid by the
distance from the camera, fades what is drawn and leaves its share in alpha, and the fog is added here.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    Camera,
    GeomNode,
    GraphicsPipeSelection,
    Mat4,
    NodePath,
    RenderState,
    TexGenAttrib,
    TextureAttrib,
    TextureStage,
    TransformState,
    load_prc_file_data,
)

from protocol.messages import Frame
from simulator.render.car_body import CarBody
from simulator.render.eye import Eye
from simulator.render.udacity.baking.bake import MEAN_GRAIN, Baked, Land
from simulator.render.udacity.baking.gloss import usual_light
from simulator.render.udacity.baking.light import BRIGHTEST, as_bytes
from simulator.render.udacity.baking.tiles import Mesh, Surface
from simulator.render.udacity.canvas import Canvases, lens
from simulator.render.udacity.panda import attach_surface, flat_node, flat_texture, freed_with
from simulator.render.udacity.sky import dome
from simulator.render.udacity.turned_cards import HOLES, TurnedCards, clear_share
from simulator.unity.unity_scene import Bytes, UnityScene

RAMP_M, RAMP_TEXELS = 1024.0, 1024
SKY_M = 500.0


def open_software() -> Canvases:
    """Open Panda3D's software renderer. Raises RuntimeError without it."""
    load_prc_file_data("", "notify-level-display fatal")
    pipe = GraphicsPipeSelection.get_global_ptr().make_pipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
    if pipe is None:
        raise RuntimeError("this Panda3D has no software renderer (p3tinydisplay): install panda3d from PyPI")
    return Canvases(pipe)


class SoftwareScene:
    """A baked scene, with the camera that looks at it."""

    def __init__(self, canvases: Canvases, baked: Baked, scene: UnityScene) -> None:
        self._canvases = canvases
        self._root = NodePath("world")
        self._camera = self._root.attach_new_node(Camera("camera", lens()))
        self._fog = _fog_table(scene)
        self._foggy = self._root.attach_new_node("foggy")
        _lay_ramp(self._foggy, scene)
        self._pages, self._sun = baked.pages, scene.lights[0]
        self.textures = [flat_texture(f"page {number}", page) for number, page in enumerate(baked.pages)]
        self._group("solid", baked.solid)
        for land in baked.land:
            self._land(land, baked.pages[land.page])
        self._cut_out(baked.cut_out)
        self._cards = TurnedCards(self._root, baked.cards, self.textures, scene)
        self._sky = self._dome(scene)
        freed_with(self, self._root, [*self.textures, *self._root.find_all_textures()])

    @cached_property
    def car(self) -> CarBody:
        """The car's body, hidden until it is placed."""
        holder = self._root.attach_new_node("car")
        holder.set_color_scale(1 / BRIGHTEST, 1 / BRIGHTEST, 1 / BRIGHTEST, 1, 1)  # in place of the weather's codes
        return CarBody(holder)

    def draw(self, eye: Eye, scale: int) -> Frame:
        """Draw what is seen from here, uint8 RGB (160 * scale, 320 * scale, 3)."""
        eye.look(self._camera)
        self._sky.set_pos(*eye.place)
        self._cards.turn(eye)
        pixels = self._canvases.draw(self._camera, scale)
        half = np.minimum(pixels[:, :, 2::-1], 127)
        return half + half + self._fog[pixels[:, :, 3]]

    def _group(self, name: str, parts: Surface) -> NodePath:
        return attach_surface(self._foggy, name, parts, lambda mesh: self._node(name, mesh))

    def _node(self, name: str, mesh: Mesh) -> GeomNode:
        """A node with a draw call for each picture of a mesh."""
        node = GeomNode(name)
        page = mesh.columns["texture"][mesh.corners[:, 0], 2].astype(int)
        for number in np.unique(page):
            part = mesh.part(np.flatnonzero(page == number))
            mean = self._pages[number][..., :3].reshape(-1, 3).mean(0, np.float32) / 255
            part.columns["color"] = usual_light(part, mean, self._sun)
            state = RenderState.make(TextureAttrib.make(self.textures[number]))
            node.add_geom(flat_node(name, part).modify_geom(0), state)
        return node

    def _cut_out(self, parts: Surface) -> None:
        """What has holes has no fog: its picture's alpha makes the holes."""
        group = attach_surface(self._root, "cut out", parts, lambda mesh: self._node("cut out", mesh))
        group.set_attrib(HOLES)
        group.set_two_sided(True)

    def _land(self, land: Land, page: Bytes) -> None:
        """Land has one grain, the mean of its layers', and each corner has their mixed colour and the light."""
        grain = page.mean(2, keepdims=True).repeat(4, 2).astype(np.uint8)
        grain[..., 3] = 255
        group = attach_surface(
            self._foggy, "land", land.surface, lambda mesh: flat_node("land", self._mixed(mesh, land))
        )
        group.set_texture(flat_texture("land", grain))

    def _mixed(self, mesh: Mesh, land: Land) -> Mesh:
        """Weights, layer colours and light -> colours, which the picture of the grain darkens by its mean."""
        places = mesh.columns["places"]
        albedo = np.asarray(mesh.columns["weights"] / 255 @ land.colors, np.float32)
        color = usual_light(mesh, albedo, self._sun) if land.rough else mesh.columns["color"].copy()
        color[:, :3] = (color[:, :3] * albedo * (255 / MEAN_GRAIN) + 0.5).clip(0, 255)
        uv = places[:, :2] / np.array(land.tile_m, np.float32)
        texture = np.column_stack([uv, np.zeros(len(uv), np.float32)])
        return Mesh({"places": places, "color": color, "texture": texture}, mesh.corners)

    def _dome(self, scene: UnityScene) -> NodePath:
        sun = max(scene.lights, key=lambda light: sum(light.color))
        places, color, corners = dome((-sun.direction[0], -sun.direction[1], -sun.direction[2]))
        texture = np.zeros((len(places), 3), np.float32)
        mesh = Mesh({"places": places * np.float32(SKY_M), "color": as_bytes(color), "texture": texture}, corners)
        sky = self._root.attach_new_node(flat_node("sky", mesh))
        sky.set_two_sided(True)
        sky.set_depth_write(False)
        sky.set_depth_test(False)
        sky.set_bin("background", 0)
        return sky


def _lay_ramp(root: NodePath, scene: UnityScene) -> None:
    """Lay a picture by the distance from the camera over all under `root`; it holds what the fog leaves of a colour."""
    texels = (np.arange(RAMP_TEXELS) + 0.5) / RAMP_TEXELS * RAMP_M
    values = (clear_share(scene.fog, texels) * 255).round().astype(np.uint8)
    stage = TextureStage("fog")
    stage.set_sort(-1)  # of two pictures, the renderer takes the first one's alpha
    root.set_texture(stage, flat_texture("fog", np.repeat(values[None, :, None], 4, 2), smooth=False))
    root.set_tex_gen(stage, TexGenAttrib.M_eye_position)
    root.set_tex_transform(
        stage, TransformState.make_mat(Mat4(0, 0, 0, 0, 1 / RAMP_M, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
    )


def _fog_table(scene: UnityScene) -> npt.NDArray[np.uint8]:
    """What fog adds to a colour of which it left alpha: uint8 (256, 3)."""
    color = np.array(scene.fog.color if scene.fog else (0, 0, 0))
    return np.asarray(((255 - np.arange(256))[:, None] * color).astype(np.uint8))
