"""The weather of a track: what it does to the colours of the land, and to the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from protocol.messages import Frame
from simulator.render.palette import Look, Rgb
from simulator.render.weather.channels import Bytes
from simulator.render.weather.night import Night
from simulator.render.weather.rain import AIR, Rain
from simulator.render.weather.rays import View

NIGHT_SKY = (
    (200, 196, 190),
    (200, 196, 190),
    (150, 152, 156),
    (112, 118, 130),
    (84, 90, 108),
    (66, 72, 92),
    (52, 58, 80),
    (44, 50, 70),
)
"""From below the horizon to the zenith, before night darkens it."""

RAIN_SKY = (AIR, AIR, AIR, (146, 152, 158), (136, 142, 149), (126, 132, 140), (116, 122, 130), (110, 116, 124))

RETROREFLECTION = 1.25
"""Painted lines throw the headlights back: so much brighter than by day they are for their surroundings."""

GREYER, DARKER, WET_ASPHALT = 0.35, 0.8, 0.62
"""Rain takes this share of the colours' hue, leaves this share of their light, and this of the asphalt's."""

GREYED = ("line", "gutter", "dirt", "slab_light", "slab_shade", "grass", "sand", "rock", "rock_shade", "water", "haze")
"""Colours of a look that rain greys."""


class Air(Protocol):
    """What the weather does to a picture."""

    def finish(self, pixels: Bytes, view: View, time_s: float) -> Frame:
        """RGBA, uint8 (rows, columns, 4), with the codes of `DistanceCode` as alpha -> RGB. time_s: of the game."""
        ...


_AIRS: dict[str, Callable[[], Air]] = {"night": Night, "rain": Rain}


def air_of(weather: str) -> Air | None:
    """What the weather does to a picture; None in clear weather."""
    return _AIRS[weather]() if weather in _AIRS else None


def weathered(look: Look, weather: str) -> Look:
    """The colours that a look has in this weather."""
    if weather == "night":
        return replace(look, line=_times(look.line, RETROREFLECTION), sky=NIGHT_SKY)
    if weather == "rain":
        greyed: dict[str, Any] = {name: _greyed(getattr(look, name), DARKER) for name in GREYED}
        greyed |= {"asphalt": _greyed(look.asphalt, WET_ASPHALT), "plant_light": DARKER * look.plant_light}
        return replace(look, **greyed, sky=RAIN_SKY)
    return look


def _times(color: Rgb, factor: float) -> Rgb:
    red, green, blue = (min(255.0, factor * part) for part in color)
    return red, green, blue


def _greyed(color: Rgb, light: float) -> Rgb:
    grey = sum(color) / 3
    red, green, blue = (part + GREYER * (grey - part) for part in color)
    return _times((red, green, blue), light)
