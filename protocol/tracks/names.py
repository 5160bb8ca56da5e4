"""The names of the tracks: a road, and after a colon the weather, as in `lake:night` or `random:7:rain`.

The server hands such names to the simulator without importing it, and the help of commands must not wait for numpy.
"""

from __future__ import annotations

from typing import NamedTuple

ROADS = ("lake", "jungle", "mountain")
RANDOM = "random"
"""`random:SEED` is another road for each seed, a number of up to MAX_SEED_DIGITS digits."""

MAX_SEED_DIGITS = 9
UDACITY_ROADS = ("udacity-lake", "udacity-jungle")
"""Roads in Udacity's own scenes."""

CLEAR, WEATHERS = "clear", ("night", "rain")
SHADOWS = "shadows"
"""What stands in the weather's place for Udacity's scenes with cast shadows; recordings exist with and without them."""

TRACK_LIST = (
    f"{', '.join(ROADS)}, random:SEED (each also with :night or :rain), "
    f"{', '.join(UDACITY_ROADS)} (also with :{SHADOWS})"
)
TRACK_NAMES = " and ".join(TRACK_LIST.rsplit(", ", 1))
TRACK_HELP = f"{' or '.join(TRACK_LIST.rsplit(', ', 1))} (default %(default)s)"


class TrackName(NamedTuple):
    """road: one of ROADS or UDACITY_ROADS, or `random:SEED`; weather: CLEAR, one of WEATHERS, or SHADOWS."""

    road: str
    weather: str


def split_track_name(name: str) -> TrackName:
    """Part a name in road and weather; it need not be a track's."""
    road, _, weather = name.rpartition(":")
    return TrackName(road, weather) if weather in (*WEATHERS, SHADOWS) else TrackName(name, CLEAR)


def is_track_name(name: str) -> bool:
    """Whether a track has this name."""
    road, weather = split_track_name(name)
    kind, _, seed = road.partition(":")
    of_seed = kind == RANDOM and seed.isascii() and seed.isdigit() and len(seed) <= MAX_SEED_DIGITS
    if road in UDACITY_ROADS:
        return weather in (CLEAR, SHADOWS)
    return weather != SHADOWS and (road in ROADS or of_seed)
