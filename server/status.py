"""What the server is and does, as plain data: for the page, the API and whoever else asks."""

from __future__ import annotations

import time

from server.app import Connection, DrivingApp


def simulators(app: DrivingApp) -> list[dict[str, object]]:
    """One object for each connected simulator."""
    return [_simulator(connection) for connection in app.connections.values()]


def _simulator(connection: Connection) -> dict[str, object]:
    session = connection.session
    return {
        "simulator": session.number,
        "answered": connection.answered,
        "speed_mph": session.driver.speed_mph,
        "manual": session.manual,
        "silent_s": round(time.monotonic() - connection.last_telemetry_s, 1),
        "faults": dict(session.faults),
    }
