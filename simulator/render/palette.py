"""The colours of the sceneries: a sunny lake between sandy hills, a green jungle, an autumn road between dark rocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rgb = tuple[float, float, float]
Flora = Literal["pines", "palms"]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours, RGB 0..255. sky: from below the horizon to the zenith; shoulder: brightness relative to the asphalt.

    haze: what lies before distant hills; plant_light: brightness of the plants.
    """

    asphalt: Rgb
    shoulder: float
    line: Rgb
    gutter: Rgb
    dirt: Rgb
    slab_light: Rgb
    slab_shade: Rgb
    grass: Rgb
    sand: Rgb
    rock: Rgb
    rock_shade: Rgb
    water: Rgb
    haze: Rgb
    sky: tuple[Rgb, ...]
    plant_light: float
    flora: Flora
    dashed: bool
    walls: bool


LOOKS = {
    "lake": Look(
        asphalt=(121, 121, 106),
        shoulder=1.0,
        line=(196, 172, 62),
        gutter=(92, 86, 70),
        dirt=(204, 142, 92),
        slab_light=(206, 196, 160),
        slab_shade=(134, 136, 124),
        grass=(176, 164, 84),
        sand=(198, 160, 98),
        rock=(192, 192, 166),
        rock_shade=(60, 90, 104),
        water=(146, 176, 208),
        haze=(138, 176, 206),
        sky=(
            (168, 190, 208),
            (174, 196, 212),
            (160, 186, 208),
            (148, 174, 201),
            (126, 153, 188),
            (104, 131, 170),
            (90, 116, 155),
            (82, 106, 146),
        ),
        plant_light=0.9,
        flora="pines",
        dashed=False,
        walls=False,
    ),
    "mountain": Look(
        asphalt=(92, 88, 92),
        shoulder=0.9,
        line=(206, 158, 40),
        gutter=(84, 78, 80),
        dirt=(172, 116, 40),
        slab_light=(206, 146, 56),
        slab_shade=(166, 106, 40),
        grass=(112, 88, 40),
        sand=(140, 104, 48),
        rock=(70, 74, 84),
        rock_shade=(36, 40, 50),
        water=(60, 84, 120),
        haze=(90, 104, 130),
        sky=(
            (90, 112, 158),
            (98, 120, 170),
            (92, 116, 170),
            (82, 108, 168),
            (72, 98, 162),
            (62, 88, 152),
            (56, 80, 144),
            (52, 76, 140),
        ),
        plant_light=0.75,
        flora="pines",
        dashed=True,
        walls=True,
    ),
    "jungle": Look(
        asphalt=(140, 139, 136),
        shoulder=1.0,
        line=(228, 228, 224),
        gutter=(96, 94, 90),
        dirt=(128, 106, 70),
        slab_light=(150, 150, 140),
        slab_shade=(110, 112, 108),
        grass=(118, 130, 76),
        sand=(126, 132, 84),
        rock=(60, 66, 54),
        rock_shade=(30, 36, 34),
        water=(70, 96, 120),
        haze=(80, 94, 98),
        sky=(
            (134, 163, 209),
            (136, 165, 210),
            (128, 156, 201),
            (118, 146, 190),
            (108, 135, 178),
            (100, 126, 167),
            (92, 117, 158),
            (86, 110, 150),
        ),
        plant_light=0.8,
        flora="palms",
        dashed=True,
        walls=False,
    ),
}
