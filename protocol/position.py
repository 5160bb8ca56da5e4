"""Reads where a car is from a telemetry's extra fields, and follows it: lap times, and the line that it has driven.

Udacity's own simulator says nothing of it. The built-in one and the test labs' builds do, each with some of these
fields: `lapNumber`, `sim_time`, `cte`, `tot_obes`, `pos_x` and `pos_z`. Nothing in them is trusted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from protocol.errors import ProtocolError
from protocol.numbers import parse_number

MAX_COUNT = 100_000
"""Greatest lap number, and greatest number of times off the road."""

MAX_OFFSET_M = 1_000.0
MAX_COORDINATE_M = 100_000.0

POINT_SPACING_M = 2.0
MAX_POINTS = 4_000
"""Points of a driven line; the oldest are dropped. They are 8 km, five laps of Udacity's longest track."""

JUMP_M = 25.0
"""Two reports further apart than this are no piece of road: the car was moved, or reports are missing."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a car is, as far as its simulator reports it. A field is None if it is missing or invalid.

    lap: the current lap, from 1. game_s: seconds of game time since the drive began. off_road: how often the car has
    left the road. lateral_offset_m: signed distance from the middle of the road, positive to the right. x_m, y_m: seen
    from above, x to the right and y up; both are None or neither.
    """

    lap: int | None = None
    game_s: float | None = None
    lateral_offset_m: float | None = None
    x_m: float | None = None
    y_m: float | None = None
    off_road: int | None = None


NOWHERE = Position()
"""The position of a simulator that reports none, such as Udacity's own."""


def read_position(extras: Mapping[str, object]) -> Position:
    """The position in `Telemetry.extras`; NOWHERE if there is none. It never raises, whatever the fields hold."""
    if not extras:
        return NOWHERE
    x_m, y_m = _number(extras, "pos_x", MAX_COORDINATE_M), _number(extras, "pos_z", MAX_COORDINATE_M)
    if x_m is None or y_m is None:
        x_m = y_m = None
    position = Position(
        lap=_count(extras, "lapNumber"),
        game_s=_number(extras, "sim_time", math.inf, least=0.0),
        lateral_offset_m=_number(extras, "cte", MAX_OFFSET_M),
        x_m=x_m,
        y_m=y_m,
        off_road=_count(extras, "tot_obes"),
    )
    return NOWHERE if position == NOWHERE else position


class LinePoint(NamedTuple):
    """One point of a driven line. lap, lateral_offset_m: as in Position. joined: whether the line leads here from the
    point before; otherwise a new piece begins."""

    x_m: float
    y_m: float
    lap: int | None
    lateral_offset_m: float | None
    joined: bool


class Whereabouts:
    """Follows one car. A drive that begins anew, with a smaller lap number or game time, forgets everything.

    position: the newest. lap_time_s: time in this lap, None until a lap's beginning was seen. last_lap_s: time of the
    last lap that was seen from its beginning, else None. line: the driven line, oldest point first; of counted laps it
    holds this one and the one before. added: points ever added to the line of this drive, also those that were dropped.
    """

    def __init__(self) -> None:
        self.line: deque[LinePoint] = deque(maxlen=MAX_POINTS)
        self._forget()

    def _forget(self) -> None:
        self.position = NOWHERE
        self.lap_time_s: float | None = None
        self.last_lap_s: float | None = None
        self.line.clear()
        self.added = 0
        self._lap_start_s: float | None = None
        self._last_xy = (math.inf, math.inf)

    def note(self, position: Position, clock_s: float) -> None:
        """Take the next report. clock_s: when it came, for lap times of simulators that report no game time."""
        before = self.position
        if _smaller(position.lap, before.lap) or _smaller(position.game_s, before.game_s):
            self._forget()
        self._time_the_lap(self.position, position, clock_s)
        self._extend_the_line(position)
        self.position = position

    def _time_the_lap(self, before: Position, position: Position, clock_s: float) -> None:
        """Update the lap times. The first lap began with the game time; a later one when its number came."""
        if position.lap is None:
            self.lap_time_s = self._lap_start_s = None
            return
        now_s = clock_s if position.game_s is None else position.game_s
        if (position.game_s is None) != (before.game_s is None):
            self._lap_start_s = None  # another clock
        if before.lap is None:
            self._lap_start_s = 0.0 if position.lap == 1 and position.game_s is not None else None
        elif position.lap != before.lap:
            if self._lap_start_s is not None and position.lap == before.lap + 1:
                self.last_lap_s = now_s - self._lap_start_s
            self._lap_start_s = now_s
        self.lap_time_s = None if self._lap_start_s is None else max(0.0, now_s - self._lap_start_s)

    def _extend_the_line(self, position: Position) -> None:
        """Add a point after every POINT_SPACING_M, and drop the laps before the last one."""
        if position.x_m is None or position.y_m is None:
            return
        step_m = math.dist((position.x_m, position.y_m), self._last_xy)
        if step_m < POINT_SPACING_M:
            return
        self._last_xy = (position.x_m, position.y_m)
        self.line.append(LinePoint(*self._last_xy, position.lap, position.lateral_offset_m, step_m <= JUMP_M))
        self.added += 1
        if position.lap is not None:
            while (oldest := self.line[0].lap) is not None and oldest < position.lap - 1:
                self.line.popleft()


def _smaller(value: float | None, before: float | None) -> bool:
    return value is not None and before is not None and value < before


def _number(extras: Mapping[str, object], name: str, most: float, least: float | None = None) -> float | None:
    """This field's number from least (default: -most) to most; None for everything else."""
    if name not in extras:
        return None
    try:
        value = parse_number(extras[name]).value
    except ProtocolError:
        return None
    return value if (-most if least is None else least) <= value <= most else None


def _count(extras: Mapping[str, object], name: str) -> int | None:
    value = _number(extras, name, MAX_COUNT, least=0.0)
    return int(value) if value is not None and value.is_integer() else None
