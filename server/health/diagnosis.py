"""Says in plain words how a drive is, above all why a car does not move: for the page, at any moment.

The console_status tells a log what has changed; this tells someone who has just come what holds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from server.core.app import Connection
from server.health.console_status import MANUAL, SILENT, SLOW, SLOW_MS, WAITING, state_of
from server.operator_controls import OperatorControls

STUCK_S = 4.0
STANDING_MPH = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """level: `good`, `note` (it is so because somebody wants it) or `bad`; text: a sentence or two."""

    level: str
    text: str


def diagnose(controls: OperatorControls) -> list[Finding]:
    """What holds now, the worst first."""
    app, pace = controls.app, controls.pace
    found: list[Finding] = []
    if app.paused:
        found.append(Finding("note", "Paused: every car brakes and stands until you let the model drive again."))
    elif pace.constant_throttle is None and pace.target_mph < STANDING_MPH:
        found.append(Finding("note", "The target speed is 0: the cars stand. Raise it to drive."))
    elif pace.constant_throttle == 0:
        found.append(Finding("note", "The throttle is held at 0: the cars stand. Set a target speed to drive."))
    found += [Finding("bad", _sentence(str(refused))) for refused in app.refusals.recent()]
    if not app.connections:
        return sorted([*found, Finding("note", _sentence(WAITING))], key=_urgency)
    driven = []
    for connection in sorted(app.connections.values(), key=lambda c: c.session.number):
        wrong = _of_simulator(controls, connection)
        found += wrong
        if not wrong and not app.paused:
            driven.append(str(connection.session.number))
    if driven:
        found.append(Finding("good", f"The model drives simulator{'s'[: len(driven) > 1]} {' and '.join(driven)}."))
    times = controls.view.latency.percentiles()
    if times and times["p99"] > SLOW_MS:
        found.append(Finding("bad", _sentence(SLOW % times["p99"])))
    recorder = controls.recorder
    if recorder is not None and (recorder.error or recorder.dropped):
        reason = recorder.error or f"the disk is too slow, {recorder.dropped} frames were left out"
        found.append(Finding("bad", f"The recording is not complete: {reason}."))
    if controls.models.error:
        found.append(Finding("bad", f"{controls.models.error}. {controls.models.model.path.name} goes on driving."))
    return sorted(found, key=_urgency)


def _urgency(finding: Finding) -> int:
    return ("bad", "note", "good").index(finding.level)


def _of_simulator(controls: OperatorControls, connection: Connection) -> list[Finding]:
    now_s, number = time.monotonic(), connection.session.number
    state = state_of(connection, now_s)
    if state == "silent":
        return [Finding("bad", _sentence(SILENT % (number, now_s - connection.last_telemetry_s)))]
    if state == "manual":
        return [Finding("note", _sentence(MANUAL % number))]
    if state == "connected":
        return [Finding("note", f"Simulator {number} has connected; its first telemetry is awaited.")]
    return _of_driven(controls, connection)


def _of_driven(controls: OperatorControls, connection: Connection) -> list[Finding]:
    number = connection.session.number
    if connection.fault:
        text = (
            f"its last frame could not be driven ({connection.fault}), so the car keeps its steering, without throttle"
        )
        return [Finding("bad", f"Simulator {number}: {text}. The log tells what was received.")]
    view = controls.view.simulators.get(number)
    if view is not None and view.stuck_s > STUCK_S:
        text = (
            f"is given throttle but has stood for {view.stuck_s:.0f} s: it is stuck against something or off the road"
        )
        return [Finding("bad", f"Simulator {number} {text}. Put the car back, or restart the track.")]
    return []


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}" + ("" if text.endswith((".", "?")) else ".")
