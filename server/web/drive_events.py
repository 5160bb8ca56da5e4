"""One simulator's drive as data for the page: the newest frame, the last two minutes, and the driven line."""

from __future__ import annotations

import base64

from protocol.messages import MAX_STEERING_ANGLE_DEG
from protocol.position import NOWHERE, LinePoint
from server.observers.drive_history import DriveHistory, DriveMoment
from server.observers.live_view import SimulatorView

MAX_IMAGE_BYTES = 300_000

MAX_POINTS = 500
"""Points of the line in one event, so that no answer waits long for a page that has just opened."""


def frame(view: SimulatorView) -> dict[str, object]:
    """The newest answer; angles in degrees, positive right."""
    answer = view.latest
    telemetry, control = answer.telemetry, answer.control
    image = telemetry.image if len(telemetry.image) <= MAX_IMAGE_BYTES else b""
    kind = "png" if image[:4] == b"\x89PNG" else "jpeg"
    return {
        "simulator": answer.simulator,
        "time_s": round(answer.time_s, 3),
        "steering": round(control.steering, 4),
        "command_deg": round(control.steering * MAX_STEERING_ANGLE_DEG, 2),
        "wheel_deg": round(telemetry.steering_angle_deg, 2),
        "throttle": round(control.throttle, 3),
        "speed_mph": round(telemetry.speed_mph, 2),
        "latency_ms": round(answer.latency_ms, 2),
        "rate_hz": round(view.rate_hz, 1),
        "confidence": _rounded(control.confidence),
        "position": position(view.history),
        "image": f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}" if image else None,
    }


def position(history: DriveHistory) -> dict[str, object] | None:
    """Where the car is, or None if its simulator does not report it; each field may be None, too."""
    whereabouts = history.whereabouts
    place = whereabouts.position
    if place is NOWHERE:
        return None
    return {
        "lap": place.lap,
        "lap_time_s": _rounded(whereabouts.lap_time_s),
        "last_lap_s": _rounded(whereabouts.last_lap_s),
        "best_lap_s": _rounded(history.best_lap_s),
        "offset_m": _rounded(place.lateral_offset_m),
        "off_road": place.off_road,
        "x_m": _rounded(place.x_m),
        "y_m": _rounded(place.y_m),
    }


def history(view: SimulatorView) -> dict[str, object]:
    """The last two minutes, a list for each figure."""
    samples = list(view.history.samples)
    columns = {name: [getattr(sample, name) for sample in samples] for name in DriveMoment._fields}
    return {"simulator": view.latest.simulator, **columns}


class LineReader:
    """Reads the driven line of one car, `view`, piece by piece, as it grows."""

    def __init__(self, view: SimulatorView) -> None:
        self.view = view
        self._drive = view.history.drives
        self._read = 0

    def news(self) -> dict[str, object] | None:
        """What is new of the line, at most MAX_POINTS; None if nothing is. Points are [x, y, lap, offset, joined].

        anew: whether the page forgets the points before, because another drive has begun, or points are gone.
        """
        history = self.view.history
        points = history.line_after(self._read, MAX_POINTS) if self._drive == history.drives else None
        anew = points is None
        if points is None:
            self._drive, whereabouts = history.drives, history.whereabouts
            self._read = whereabouts.added - len(whereabouts.line)
            points = history.line_after(self._read, MAX_POINTS) or []
        self._read += len(points)
        if not points and not anew:
            return None
        return {"simulator": self.view.latest.simulator, "anew": anew, "points": [_written(point) for point in points]}


def _written(point: LinePoint) -> list[object]:
    offset_m = _rounded(point.lateral_offset_m)
    return [round(point.x_m, 2), round(point.y_m, 2), point.lap, offset_m, point.joined]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
