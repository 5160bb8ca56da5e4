"""Cards that numpy turns to the camera for each picture, for a renderer without shaders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    AlphaTestAttrib,
    Geom,
    GeomEnums,
    GeomNode,
    GeomTriangles,
    GeomVertexData,
    NodePath,
    OmniBoundingVolume,
    RenderAttrib,
    Texture,
)

from simulator.render.eye import Eye
from simulator.render.udacity.baking.light import light_of_cards
from simulator.render.udacity.baking.tiles import Surface, joined
from simulator.render.udacity.panda import vertex_format, vertex_type
from simulator.unity.unity_scene import Floats, Fog, UnityScene

CORNERS = (0, 1, 2, 0, 2, 3)
NAMES = ("places", "color", "flat texture")
NEAREST_M, HALF_WIDTH = 0.3, 1.25
LEAST_CLEAR = 4 / 255
"""Cards nearer than this are left out, and so are those outside of a cone of this many metres a metre ahead."""


HOLES = AlphaTestAttrib.make(RenderAttrib.M_greater, 0.5 / 255)


def clear_share(fog: Fog | None, depth_m: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The share of a colour that fog leaves at these depths; a little of it everywhere."""
    if fog is None:
        return np.ones_like(depth_m)
    return ((fog.end_m - depth_m) / (fog.end_m - fog.start_m)).clip(LEAST_CLEAR, 1)


class TurnedCards:
    """All cards of a scene, a mesh for each picture."""

    def __init__(self, root: NodePath, cards: Surface, textures: list[Texture], scene: UnityScene) -> None:
        self._fog, self._light = scene.fog, light_of_cards(scene.lights, scene.ambient)
        self._groups: list[_Group] = []
        group = root.attach_new_node("cards")
        group.set_bin("fixed", root.get_num_children())
        group.set_two_sided(True)
        group.set_attrib(HOLES)
        if not cards.tiles:
            return
        columns = joined([level.mesh for levels in cards.tiles for level in levels]).columns
        pages = columns["texture"][::4, 2].astype(int)
        for page in np.unique(pages):
            rows = (np.flatnonzero(pages == page)[:, None] * 4 + np.array(CORNERS)).reshape(-1)
            path = self._add(group, {name: column[rows] for name, column in columns.items()})
            path.set_texture(textures[page])

    def _add(self, parent: NodePath, columns: dict[str, np.ndarray]) -> NodePath:
        self._groups.append(_Group(columns))
        return parent.attach_new_node(self._groups[-1].node)

    def turn(self, eye: Eye) -> None:
        """Turn the cards that the camera may see towards it, and leave out the others."""
        for group in self._groups:
            group.turn(eye, self._light, self._fog)


class _Group:
    """Cards with one picture, six vertices each."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self._feet = columns["places"][::6]
        self._reach = columns["reach"].reshape(-1, 6, 2)
        self._vertices = np.empty((len(self._feet), 6), vertex_type(NAMES))
        self._vertices["color"] = columns["color"].reshape(-1, 6, 4)
        self._vertices["color"][..., 3] = 255
        self._vertices["flat texture"] = columns["texture"][:, :2].reshape(-1, 6, 2)
        self._data = GeomVertexData("cards", vertex_format(NAMES), GeomEnums.UH_dynamic)
        self._triangles = GeomTriangles(GeomEnums.UH_dynamic)
        self.node = GeomNode("cards")
        self.node.set_bounds(OmniBoundingVolume())
        self.node.set_final(True)

    def turn(self, eye: Eye, lights: Floats, fog: Fog | None) -> None:
        heading = np.radians(eye.turn_deg[0] + 90)
        ahead = np.array((np.cos(heading), np.sin(heading)))
        gap = self._feet[:, :2] - np.array(eye.place[:2])
        depth, aside = gap @ ahead, np.abs(gap @ (-ahead[1], ahead[0]))
        seen = (depth > NEAREST_M) & (aside < HALF_WIDTH * depth + self._reach[:, 1, 0])
        away = gap[seen] / np.linalg.norm(gap[seen], axis=1, keepdims=True)
        across = np.stack([away[:, 1], -away[:, 0]], 1)
        reach, vertices = self._reach[seen], self._vertices[seen]
        vertices["places"][..., :2] = self._feet[seen, None, :2] + across[:, None] * reach[..., :1]
        vertices["places"][..., 2] = self._feet[seen, None, 2] + reach[..., 1]
        light = (lights[0] + away.astype(np.float32) @ lights[1:])[:, None]
        vertices["color"][..., :3] = (vertices["color"][..., :3] * light).clip(0, 255)
        clear = clear_share(fog, depth[seen])
        vertices["color"] = (vertices["color"] * clear[:, None, None]).astype(np.uint8)
        self._data.unclean_set_num_rows(vertices.size)
        self._data.modify_array_handle(0).copy_data_from(vertices.tobytes())
        self._triangles.clear_vertices()
        self.node.remove_all_geoms()
        if vertices.size:
            self._triangles.add_next_vertices(vertices.size)
            self._triangles.close_primitive()
            geom = Geom(self._data)
            geom.add_primitive(self._triangles)
            self.node.add_geom(geom)
