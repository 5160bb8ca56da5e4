"""Records a person's drive in Udacity's format, at the end of what the folder already holds.

Where the car leaves the road and is put back, a new session begins, and `exclude.txt` leaves out the seconds before:
no model should learn the way off the road.
"""

from __future__ import annotations

import time
from pathlib import Path

from protocol.exclusions import add_rules, rows_rule
from protocol.recorder import Recorder
from protocol.recording import SESSION_GAP_S
from simulator.record import FRAME_S
from simulator.render.camera import RECORDING
from simulator.render.jpeg import jpeg_of
from simulator.world.track_world import TrackWorld

LEFT_OUT_S = 2.0
"""What led off the road."""


class HandRecording:
    """One recording by hand; `close` completes it. corrections: whether it holds what a person took back from a model.

    rows: written since it began. Raises OSError.
    """

    def __init__(self, folder: Path, world: TrackWorld, corrections: bool = False, after_s: float = 0.0) -> None:
        self.corrections = corrections
        self._recorder = Recorder(folder, append=True)
        self._world = world
        self.folder = folder
        self.first_s = world.log.time_s
        self._start_s = max(time.time(), after_s + SESSION_GAP_S + FRAME_S) - world.log.time_s
        self._next_s = world.log.time_s
        self._session_rows = 0
        self._events = world.log.off_road_events

    @property
    def rows(self) -> int:
        """Rows written since it began."""
        return self._recorder.rows

    @property
    def seconds(self) -> float:
        """Game time since it began."""
        return self._world.log.time_s - self.first_s

    @property
    def end_s(self) -> float:
        """The time that the newest row may have, in seconds since 1970."""
        return self._start_s + self._world.log.time_s

    def note(self) -> None:
        """Write a row if one is due."""
        world = self._world
        if world.log.off_road_events > self._events:
            self._leave_out()
        if world.log.time_s < self._next_s - 1e-6:
            return
        self._next_s = max(self._next_s, world.log.time_s - FRAME_S / 2) + FRAME_S
        center, left, right = (jpeg_of(world.frame(camera)) for camera in RECORDING)
        throttle, brake = max(0.0, world.car.throttle), max(0.0, -world.car.throttle)
        self._recorder.write(self.end_s, center, world.car.steering, throttle, brake, world.car.speed_mph, left, right)
        self._session_rows += 1

    def _leave_out(self) -> None:
        """Begin a new session, and exclude the last rows of the one before."""
        count = min(round(LEFT_OUT_S / FRAME_S), self._session_rows)
        if count:
            last = self._recorder.earlier_rows + self._recorder.rows
            rule = rows_rule(range(last - count + 1, last + 1))
            add_rules(self.folder, [(rule, f"the {LEFT_OUT_S:g} s before the car left the road")])
        self._events = self._world.log.off_road_events
        self._start_s += SESSION_GAP_S + FRAME_S
        self._session_rows = 0

    def close(self) -> None:
        """Complete the recording."""
        self._recorder.close()
