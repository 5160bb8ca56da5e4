"""Describes the present state of all drives in plain words, above all why a car does not move: for the page.

console_status.py logs what has changed; this module tells a user who has just opened the page what holds now.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from server.core.session import SimulatorSession
from server.health.console_status import MANUAL, SILENT, SLOW, SLOW_MS, WAITING, state_of
from server.operator_controls import OperatorControls

STUCK_S = 4.0
STANDING_MPH = 0.5


@dataclass(frozen=True, slots=True)
class StatusFinding:
    """level: `good`, `note` (the user chose this state) or `bad`; text: a sentence or two."""

    level: str
    text: str


def diagnose(controls: OperatorControls) -> list[StatusFinding]:
    """What holds now, the worst first."""
    app, pace = controls.app, controls.pace
    findings: list[StatusFinding] = []
    if app.paused:
        findings.append(
            StatusFinding("note", "Paused: every car brakes and stands until you let the model drive again.")
        )
    elif pace.constant_throttle is None and pace.target_mph < STANDING_MPH:
        findings.append(StatusFinding("note", "The target speed is 0, so the cars stand. Raise it to drive."))
    elif pace.constant_throttle == 0:
        findings.append(
            StatusFinding("note", "The throttle is fixed at 0, so the cars stand. Set a target speed to drive.")
        )
    findings += [StatusFinding("bad", _sentence(str(refusal))) for refusal in app.refusals.recent()]
    if strangeness := app.answers.strangeness():
        findings.append(StatusFinding("bad", strangeness))
    if not app.sessions:
        return sorted([*findings, StatusFinding("note", _sentence(WAITING))], key=_urgency)
    numbers = []
    for session in sorted(app.sessions.values(), key=lambda session: session.number):
        problems = _of_simulator(controls, session)
        findings += problems
        if not problems and not app.paused:
            numbers.append(str(session.number))
    if numbers:
        plural = "s" if len(numbers) > 1 else ""
        findings.append(StatusFinding("good", f"The model drives simulator{plural} {' and '.join(numbers)}."))
    times = controls.view.latency.percentiles()
    if times and times["p99"] > SLOW_MS:
        findings.append(StatusFinding("bad", _sentence(SLOW % times["p99"])))
    recorder = controls.recorder
    if recorder is not None and (recorder.error or recorder.dropped):
        reason = recorder.error or f"the disk is too slow, {recorder.dropped} frames were left out"
        findings.append(StatusFinding("bad", f"The recording is not complete: {reason}."))
    if controls.models.error:
        text = f"{controls.models.error}. {controls.models.model.path.name} goes on driving."
        findings.append(StatusFinding("bad", text))
    return sorted(findings, key=_urgency)


def _urgency(finding: StatusFinding) -> int:
    return ("bad", "note", "good").index(finding.level)


def _of_simulator(controls: OperatorControls, session: SimulatorSession) -> list[StatusFinding]:
    now_s, number = time.monotonic(), session.number
    state = state_of(session, now_s)
    if state == "silent":
        return [StatusFinding("bad", _sentence(SILENT % (number, now_s - session.last_telemetry_s)))]
    if state == "manual":
        return [StatusFinding("note", _sentence(MANUAL % number))]
    if state == "connected":
        return [StatusFinding("note", f"Simulator {number} has connected and has not sent a telemetry yet.")]
    return _of_driven(controls, session)


def _of_driven(controls: OperatorControls, session: SimulatorSession) -> list[StatusFinding]:
    number = session.number
    if session.fault:
        text = f"its last frame could not be driven ({session.fault}), so the car keeps its steering, without throttle"
        return [StatusFinding("bad", f"Simulator {number}: {text}. The log says what was received.")]
    view = controls.view.simulators.get(number)
    if view is not None and view.stuck_s > STUCK_S:
        text = f"gets throttle but has stood for {view.stuck_s:.0f} s: it is stuck against something or off the road"
        return [StatusFinding("bad", f"Simulator {number} {text}. Put the car back, or restart the track.")]
    return []


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}" + ("" if text.endswith((".", "?")) else ".")
