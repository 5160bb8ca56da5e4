"""Puts distances into the picture's alpha channel, because the software renderer has neither fog nor a depth to read.

A second texture lies over the land and the road ahead of the car, and its alpha falls with the distance. Panda3D lays
it by the place of each corner in the world. Plants need their alpha for their shape; groves.py says how far they are.
"""

from __future__ import annotations

import math

import numpy as np
from panda3d.core import Mat4, NodePath, SamplerState, TexGenAttrib, Texture, TextureStage, TransformState

from simulator.render.weather.codes import NO_DISTANCE, ROAD, codes_of, mark
from simulator.render.weather.groves import Groves

TEXELS = 512
BEHIND_M, LONG_M = 16.0, 512.0
"""The texture begins so far behind the car's rear axle, and is so long; it is one texel wide and repeats sideways."""

ROAD_PARTS = ("asphalt", "bridge", "lines")


class DistanceCode:
    """Codes the distances of a scenery in alpha; `place` moves them with the car."""

    def __init__(self, scenery: NodePath) -> None:
        self._scenery = scenery
        self._stage = TextureStage("distance")
        self._stage.set_sort(-1)  # the renderer takes alpha from the first texture alone
        scenery.set_texture(self._stage, _texture())
        scenery.set_tex_gen(self._stage, TexGenAttrib.M_world_position)
        for part in scenery.get_children():
            name = part.get_name()
            if name in ROAD_PARTS:
                part.set_alpha_scale(ROAD)
            elif name == "plants":
                part.set_texture_off(self._stage)
            elif name == "sky":
                part.set_texture_off(self._stage)
                mark(part, NO_DISTANCE)
        self._groves = Groves(scenery)

    def place(self, x: float, y: float, heading_rad: float) -> None:
        """Measure from a car here, from the middle of its rear axle."""
        cos, sin = math.cos(heading_rad), math.sin(heading_rad)
        start = (BEHIND_M - x * cos - y * sin) / LONG_M
        matrix = Mat4(cos / LONG_M, 0, 0, 0, sin / LONG_M, 0, 0, 0, 0, 0, 0, 0, start, 0, 0, 1)
        self._scenery.set_tex_transform(self._stage, TransformState.make_mat(matrix))
        self._groves.place(x, y, cos, sin)


def _texture() -> Texture:
    """White, with the code of the distance as alpha."""
    pixels = np.full((TEXELS, 4), 255, np.uint8)
    pixels[:, 3] = codes_of((np.arange(TEXELS) + 0.5) / TEXELS * LONG_M - BEHIND_M)
    texture = Texture("distance")
    texture.setup_2d_texture(TEXELS, 1, Texture.T_unsigned_byte, Texture.F_rgba)
    texture.set_ram_image(pixels.tobytes())
    texture.set_minfilter(SamplerState.FT_nearest)
    texture.set_magfilter(SamplerState.FT_nearest)
    return texture
