"""With or without cast shadows: the look of a track that a recording's frames have.

Unity's program lets its user choose it. It is told from the grey levels alone, before any model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from protocol.messages import Frame
from protocol.tracks.names import CLEAR, SHADOWS, UDACITY_ROADS, split_track_name
from simulator.render.camera import HOOD_ROW, RECORDING
from training.likeness.location import refine
from training.likeness.motion import Pair
from training.likeness.view import DrawnTrack

GROUND = slice(round(RECORDING.center.horizon_row), HOOD_ROW)
"""The rows that are compared: the sky is the same in all looks."""

BLOCK = 8
"""Pixels along the side of a block whose mean is compared, because grain says nothing."""


def looks_of(track: str) -> tuple[str, ...]:
    """The names of a track's looks: two of Udacity's tracks that is named without one, else the track itself."""
    road, look = split_track_name(track)
    return (track, f"{track}:{SHADOWS}") if road in UDACITY_ROADS and look == CLEAR else (track,)


def in_their_looks(looks: Mapping[str, DrawnTrack], pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    """Choose a look for each recording whose frames were located in the first one, and locate them in it.

    Returns the pairs, and the look of each.
    """
    first = next(iter(looks))
    result: list[Pair] = []
    names: list[str] = []
    for _, group in groupby(pairs, key=lambda pair: pair[0].stretch.recording):
        members = list(group)
        look = min(looks, key=lambda name: _difference(looks[name], members)) if len(looks) > 1 else first
        if look != first:
            members = [(frame, refine(looks[look], frame.pixels, place.pose)) for frame, place in members]
        result += members
        names += [look] * len(members)
    return result, names


def _difference(road: DrawnTrack, pairs: Sequence[Pair]) -> float:
    """Mean difference of the grey levels of real and drawn ground."""
    return float(np.mean([np.abs(_grey(frame.pixels) - _grey(road.frame(place.pose))) for frame, place in pairs]))


def _grey(frame: Frame) -> np.ndarray:
    """Means of blocks, float32 (8, 40)."""
    grey = frame[GROUND].astype(np.float32) @ np.array((0.3, 0.59, 0.11), np.float32)
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    return grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).mean((1, 3))
