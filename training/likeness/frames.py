"""Chooses the real frames to be located: moving, spread over the way driven, each followed by one two seconds later.

The second frame of such a couple shows where the car went, so the motion of the simulator's car can be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protocol.arrays import Float64Array
from protocol.errors import ProtocolError
from protocol.images import decode_image
from protocol.messages import Frame
from protocol.recording import Recording, Sample, row_times_s
from protocol.unbroken import unbroken_pieces

GAP_S = 0.5
"""Longest time between two rows of one stretch; the car's way in a longer gap is unknown."""

FOLLOWS_S = 2.0
"""Time from a frame to the one that follows it: about two car lengths at walking pace, 27 m at 30 mph."""

LEAST_GAP_M = 1.0
"""Frames nearer than this show the same view."""


@dataclass(frozen=True, eq=False, slots=True)
class Stretch:
    """Driving without a gap or a standstill. samples: its rows; time_s, distance_m: from its first row, (n,) each."""

    recording: str
    samples: tuple[Sample, ...]
    time_s: Float64Array
    distance_m: Float64Array


@dataclass(frozen=True, eq=False, slots=True)
class RealFrame:
    """A recorded picture of the centre camera, uint8 (160, 320, 3), and its row in a stretch."""

    stretch: Stretch
    row: int
    pixels: Frame

    @property
    def name(self) -> str:
        """The recording and the line of its log."""
        return f"{self.stretch.recording} row {self.stretch.samples[self.row].row}"

    @property
    def odometer_m(self) -> float:
        """Metres driven since the stretch began, by recorded speeds and times."""
        return float(self.stretch.distance_m[self.row])


def stretches(recording: Recording) -> list[Stretch]:
    """The stretches of a recording, in order; rows beside a standstill count, because the car is on the road there."""
    time_s = row_times_s(recording.samples)
    name = recording.folder.resolve().name
    return [
        Stretch(
            name,
            tuple(recording.samples[i] for i in piece.rows),
            time_s[piece.rows] - time_s[piece.rows[0]],
            piece.distance_m,
        )
        for piece in unbroken_pieces(recording.samples, time_s, GAP_S)
    ]


def choose_rows(pieces: Sequence[Stretch], count: int) -> list[tuple[int, int]]:
    """Choose at most `count` (stretch, row), ordered, at least LEAST_GAP_M apart within a stretch.

    Half of them lie at equal distances on the way of all stretches together, the others FOLLOWS_S later. Where too few
    come together, the way is filled at ever smaller distances.
    """
    ends_m = np.cumsum([stretch.distance_m[-1] for stretch in pieces])
    rows: list[tuple[int, int]] = []
    parts = max(1, -(-count // 2))
    while ends_m.size and len(rows) < count and parts <= 4 * count:
        for share in (np.arange(parts) + 0.5) / parts:
            number, row = _row_at(pieces, ends_m, share * float(ends_m[-1]))
            later = _row_later(pieces[number], row)
            for choice in [row] if later is None else [row, later]:
                if len(rows) < count and _apart(pieces[number], rows, number, choice):
                    rows.append((number, choice))
        parts *= 2
    return sorted(rows)


def read_frame(stretch: Stretch, row: int) -> RealFrame:
    """Decode a row's picture. Raises OSError, and ValueError for a file that is no camera frame."""
    file = stretch.samples[row].center
    try:
        return RealFrame(stretch, row, decode_image(file.read_bytes()))
    except ProtocolError as error:
        raise ValueError(f"{file}: {error}") from None


def _row_at(pieces: Sequence[Stretch], ends_m: Float64Array, way_m: float) -> tuple[int, int]:
    number = min(int(np.searchsorted(ends_m, way_m, side="right")), len(pieces) - 1)
    start_m = float(ends_m[number] - pieces[number].distance_m[-1])
    return number, int(np.abs(pieces[number].distance_m - (way_m - start_m)).argmin())


def _row_later(stretch: Stretch, row: int) -> int | None:
    """The row FOLLOWS_S after a row; None where the stretch ends before."""
    later_s = stretch.time_s[row] + FOLLOWS_S
    return int(np.abs(stretch.time_s - later_s).argmin()) if stretch.time_s[-1] >= later_s else None


def _apart(stretch: Stretch, rows: Sequence[tuple[int, int]], number: int, choice: int) -> bool:
    distance_m = stretch.distance_m
    return all(abs(distance_m[row] - distance_m[choice]) >= LEAST_GAP_M for other, row in rows if other == number)
