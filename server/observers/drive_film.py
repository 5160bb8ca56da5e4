"""Films one simulator of a drive, and the next one when it falls silent."""

from __future__ import annotations

import logging
from pathlib import Path

from film.film import Film, free_path
from film.overlay import Shot
from film.timeline import PAUSE_S
from protocol.position import read_position
from server.core.observer import AnsweredFrame

log = logging.getLogger(__name__)


class DriveFilm:
    """An Observer that films one simulator, and the next one when it falls silent.

    path: if drive.mp4 exists already, the film goes to drive-2.mp4 and so on, so no drive replaces another's film.
    Raises OSError or ValueError, as Film does.
    """

    def __init__(self, path: Path, title: str) -> None:
        self._film = Film(free_path(path), title)
        self.path = self._film.path
        if self.path != path:
            log.info("%s exists already, so this film goes to %s", path, self.path)
        self._simulator = 0
        self._last_s = float("-inf")

    def answered(self, answer: AnsweredFrame) -> None:
        """Give the film one view and its answer."""
        if not answer.fresh or (answer.simulator != self._simulator and answer.time_s - self._last_s < PAUSE_S):
            return
        self._simulator, self._last_s = answer.simulator, answer.time_s
        telemetry, control = answer.telemetry, answer.control
        self._film.add(
            Shot(
                answer.time_s,
                answer.frame,
                control.steering,
                control.throttle,
                telemetry.speed_mph,
                answer.latency_ms,
                read_position(telemetry.extras),
                answer.simulator,
            )
        )

    def mark(self, saliency: Path | None) -> None:
        """Mark what the model looks at from now on; see Film. None: mark nothing."""
        self._film.saliency = saliency

    def close(self) -> None:
        """Finish the file."""
        self._film.close()
