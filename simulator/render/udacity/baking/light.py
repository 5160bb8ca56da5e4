"""What the far lights of a Unity scene give a surface, in gamma space as Unity's own forward renderer adds it up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.unity.unity_scene import Floats, Light, Rgb

BRIGHTEST = 2.0
"""The most light that a mesh's colours hold: they are bytes from 0 to this."""


def light_on(normals: Floats, lights: Sequence[Light], ambient: Rgb) -> Floats:
    """Light by which a surface's colour is multiplied: float32 (n, 3), not clipped. normals: unit vectors (n, 3)."""
    total = np.tile(np.array(ambient, np.float32), (len(normals), 1))
    for light in lights:
        total += facing(normals, light)[:, None] * np.array(light.color, np.float32)
    return total


CARD_LIGHT, CARD_SLOPE = 0.68, 0.55
"""The share of a light that a plant throws to a camera which the light passes sideways, and how much more it is by the
cosine of the angle between their directions. Fitted on the trees of a recording against the sky: a crown is lit round
its edges even against the sun.
"""


def light_of_cards(lights: Sequence[Light], ambient: Rgb) -> Floats:
    """Light by which plants' colours are multiplied, as float32 (3, 3): `rows[0] + away @ rows[1:]`.

    away: level unit vectors from the eye (n, 2).
    """
    rows = np.zeros((3, 3))
    rows[0] = ambient
    for light in lights:
        rows += np.outer((CARD_LIGHT, *(CARD_SLOPE * np.array(light.direction[:2]))), light.color)
    return rows.astype(np.float32)


def facing(normals: Floats, light: Light) -> Floats:
    """The share of a light that a surface takes, float32 (n,)."""
    return np.maximum(-(normals @ np.array(light.direction, np.float32)), 0.0)


def as_bytes(light: Floats, of_sun: Floats | None = None) -> np.ndarray:
    """Light (n, 3) and the share of the sun's that is in it (n,) -> what a mesh holds of them: uint8 (n, 4)."""
    packed = np.zeros((len(light), 4), np.uint8)
    packed[:, :3] = (light * (255 / BRIGHTEST) + 0.5).clip(0, 255)
    if of_sun is not None:
        packed[:, 3] = (of_sun * 255 + 0.5).clip(0, 255)
    return packed
