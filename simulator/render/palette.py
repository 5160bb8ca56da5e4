"""The colours of the sceneries: a sunny lake between sandy hills, a green jungle, an autumn road between dark rocks."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours, RGB 0..255. sky: from below the horizon to the zenith; shoulder: brightness relative to the asphalt."""

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
    dashed: bool
    walls: bool


LOOKS = {
    "lake": Look(
        asphalt=(134, 132, 116),
        shoulder=1.0,
        line=(196, 172, 62),
        gutter=(92, 86, 70),
        dirt=(204, 142, 92),
        slab_light=(232, 222, 200),
        slab_shade=(158, 160, 160),
        grass=(192, 178, 90),
        sand=(200, 162, 98),
        rock=(196, 182, 140),
        rock_shade=(74, 84, 88),
        water=(150, 182, 220),
        haze=(176, 196, 206),
        sky=(
            (168, 194, 214),
            (176, 202, 222),
            (164, 194, 224),
            (148, 178, 216),
            (128, 158, 202),
            (106, 134, 178),
            (92, 118, 162),
            (86, 110, 154),
        ),
        plant_light=1.0,
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
        dashed=True,
        walls=True,
    ),
    "jungle": Look(
        asphalt=(122, 120, 118),
        shoulder=1.0,
        line=(226, 226, 222),
        gutter=(96, 94, 90),
        dirt=(128, 106, 70),
        slab_light=(150, 150, 140),
        slab_shade=(110, 112, 108),
        grass=(86, 98, 46),
        sand=(104, 110, 56),
        rock=(62, 66, 52),
        rock_shade=(30, 36, 34),
        water=(70, 96, 120),
        haze=(84, 104, 128),
        sky=(
            (128, 156, 200),
            (140, 170, 214),
            (120, 156, 212),
            (104, 142, 206),
            (88, 126, 196),
            (74, 110, 182),
            (62, 96, 168),
            (54, 86, 158),
        ),
        plant_light=0.7,
        dashed=True,
        walls=False,
    ),
}
