"""Describes the present state of all drives in plain words, above all why a car does not move: for the page.

console_status.py logs what has changed; this module tells a user who has just opened the page what holds now.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from server.built_in_simulator import STARTING
from server.core.drive_state import DriveState
from server.health.console_status import LOST, MANUAL, SILENT, SLOW, WAITING, state_of
from server.operator_controls import OperatorControls

STUCK_S = 4.0
STANDING_MPH = 0.5
SILENT_WORKER = "If that lasts, the server replaces it, and its simulators connect to another one."


@dataclass(frozen=True, slots=True)
class StatusFinding:
    """level: `good`, `note` (the user chose this state) or `bad`; kind: what it is about; text: a sentence or two.

    The kind stays the same while numbers in the text change.
    """

    level: str
    kind: str
    text: str


def diagnose(controls: OperatorControls) -> list[StatusFinding]:
    """What holds now, the worst first."""
    app = controls.app
    findings = [*_chosen_standstill(controls), *_faults(controls)]
    if app.sessions:
        findings += _of_drives(controls)
    else:
        findings.append(StatusFinding("note", "waiting", _sentence(STARTING if app.own_simulator else WAITING)))
    return sorted(findings, key=_urgency)


def _chosen_standstill(controls: OperatorControls) -> list[StatusFinding]:
    pace = controls.pace
    if controls.app.paused:
        text = "Paused: every car brakes and stands until you let the model drive again."
    elif pace.constant_throttle is None and pace.target_mph < STANDING_MPH:
        text = "The target speed is 0, so the cars stand. Raise it to drive."
    elif pace.constant_throttle == 0:
        text = "The throttle is fixed at 0, so the cars stand. Set a target speed to drive."
    else:
        return []
    return [StatusFinding("note", "standstill", text)]


def _of_drives(controls: OperatorControls) -> list[StatusFinding]:
    app, findings, numbers = controls.app, [], []
    for session in sorted(app.sessions.values(), key=lambda session: session.number):
        problems = _of_simulator(controls, session)
        findings += problems
        if not problems and not app.paused:
            numbers.append(session.number)
    if numbers:
        plural = "s" if len(numbers) > 1 else ""
        text = f"The model drives simulator{plural} {listed(numbers)}."
        findings.append(StatusFinding("good", text, text))
    slow_ms = app.slowness.slow_ms()
    if slow_ms is not None:
        findings.append(StatusFinding("bad", "slow", _sentence(SLOW % slow_ms)))
    return findings


def listed(numbers: list[int]) -> str:
    """Ascending numbers in words: `1, 2, 3, 5` -> `1 to 3 and 5`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return " and ".join(f"{span[0]} to {span[-1]}" if len(span) > 2 else " and ".join(map(str, span)) for span in spans)


def _faults(controls: OperatorControls) -> list[StatusFinding]:
    """What is wrong besides the drives themselves."""
    app, models, recorder = controls.app, controls.models, controls.recorder
    texts = {f"refused {refusal.address}": _sentence(str(refusal)) for refusal in app.refusals.recent()}
    for number, state in app.worker_states().items():
        if state == "silent":
            texts[f"worker {number}"] = f"Worker {number} answers nothing. {SILENT_WORKER}"
    if strangeness := app.answers.strangeness():
        texts["strange answers"] = strangeness
    if recorder is not None and (recorder.error or recorder.dropped):
        reason = recorder.error or f"the disk is too slow, {recorder.dropped} frames were left out"
        texts["recording"] = f"The recording is not complete: {reason}."
    if models.error:
        texts["model"] = f"{models.error}. {models.model.path.name} goes on driving."
    return [StatusFinding("bad", kind, text) for kind, text in texts.items()]


def _urgency(finding: StatusFinding) -> int:
    return ("bad", "note", "good").index(finding.level)


def _of_simulator(controls: OperatorControls, session: DriveState) -> list[StatusFinding]:
    now_s, number = time.monotonic(), session.number
    state = state_of(session, now_s)
    if state == "silent":
        return [
            StatusFinding("bad", f"silent {number}", _sentence(SILENT % (number, now_s - session.last_telemetry_s)))
        ]
    if state == "manual":
        return [StatusFinding("note", f"manual {number}", _sentence(MANUAL % number))]
    if state == "lost":
        return [StatusFinding("bad", f"lost {number}", _sentence(LOST % number))]
    if state == "connected":
        text = f"Simulator {number} has connected and has not sent a telemetry yet."
        return [StatusFinding("note", f"connected {number}", text)]
    return _of_driven(controls, session)


def _of_driven(controls: OperatorControls, session: DriveState) -> list[StatusFinding]:
    number = session.number
    if session.fault:
        text = f"its last frame could not be driven ({session.fault}), so the car keeps its steering, without throttle"
        sentence = f"Simulator {number}: {text}. The log says what was received."
        return [StatusFinding("bad", f"fault {number}", sentence)]
    view = controls.view.simulators.get(number)
    if view is not None and view.stuck_s > STUCK_S:
        text = f"gets throttle but has stood for {view.stuck_s:.0f} s: it is stuck against something or off the road"
        sentence = f"Simulator {number} {text}. Put the car back, or restart the track."
        return [StatusFinding("bad", f"stuck {number}", sentence)]
    return []


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}" + ("" if text.endswith((".", "?")) else ".")
