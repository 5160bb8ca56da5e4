"""Trees and bushes: which sorts grow where, and how one stands there as two crossed upright cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from simulator.render import plant_textures
from simulator.render.mesh import Quads
from simulator.render.palette import Flora, Rgb
from simulator.render.textures import Pixels


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of plant. count: of them; tall_m: least and greatest height; wide: its breadth as a share of the height.

    clear_m: how near to the road's middle it grows; spread_m: how fast it becomes rarer away from there.
    """

    draw: Callable[[np.random.Generator], Pixels]
    count: int
    tall_m: tuple[float, float]
    wide: float
    clear_m: float
    spread_m: float = 36.0


SORTS: dict[Flora, tuple[Sort, ...]] = {
    "pines": (
        *(Sort(plant_textures.tree, 300, (7.0, 13.0), 0.5, 14.0),) * 3,
        *(Sort(plant_textures.bush, 86, (0.9, 2.2), 1.6, 8.2),) * 3,
    ),
    "palms": (
        *(Sort(plant_textures.palm, 220, (6.0, 11.0), 1.0, 8.5, 14.0),) * 2,
        *(Sort(plant_textures.broadleaf, 340, (7.0, 14.0), 0.9, 13.0, 30.0),) * 2,
        Sort(plant_textures.bush, 220, (0.7, 1.8), 1.8, 7.5, 10.0),
    ),
}
"""Several sorts of one kind differ in their pictures."""


def cards(
    places: Float64Array,
    height: Float64Array,
    size: Float64Array,
    wide: float,
    turn: Float64Array,
    color: Float64Array,
) -> Quads:
    """Stand plants on places (n, 2) of a height (n,); size (n,) in metres, turn (n,) in radians, color (n, 3)."""
    positions = []
    for angle in (turn, turn + np.pi / 2):
        half = np.stack([np.cos(angle), np.sin(angle)], 1) * (size * wide / 2)[:, None]
        low = [np.column_stack([places + sign * half, height]) for sign in (-1, 1)]
        top = [np.column_stack([places + sign * half, height + size]) for sign in (1, -1)]
        positions.append(np.stack([*low, *top], 1))
    position = np.concatenate(positions)
    texture = np.broadcast_to(np.array([(0.0, 0.02), (1, 0.02), (1, 0.99), (0, 0.99)]), (len(position), 4, 2))
    return Quads(position, np.repeat(np.tile(color, (2, 1))[:, None], 4, 1), texture)


def hazy(light: Float64Array, haze: Rgb, share: Float64Array) -> Float64Array:
    """Colours (n, 3) that tint plants lit by light (n,), and bluish where a share (n,) of haze lies before them."""
    clear = 210 * light[:, None] * np.ones(3)
    return np.asarray(clear * (1 - share[:, None]) + 1.25 * np.array(haze) * share[:, None])
