"""The server's state as plain data, for the page and the API."""

from __future__ import annotations

import time
from dataclasses import asdict

from server.core.drive_state import DriveState
from server.health.diagnosis import diagnose
from server.operator_controls import OperatorControls
from server.web.drive_events import position

MODEL_FACTS = ("model_sha256", "engine", "device", "engine_ms", "notes", "card")


def status(controls: OperatorControls) -> dict[str, object]:
    """Model, pace, recording, simulators and the diagnosis; openapi.py describes the fields."""
    app, pace = controls.app, controls.pace
    sessions = sorted(app.sessions.values(), key=lambda session: session.number)
    return {
        "model": _model(controls),
        "latency_ms": controls.view.latency.percentiles(),
        "paused": app.paused,
        "target_speed_mph": None if pace.constant_throttle is not None else pace.target_mph,
        "constant_throttle": pace.constant_throttle,
        "recording": _recording(controls),
        "shadow": controls.shadow.figures() if controls.shadow else None,
        "simulators": [_simulator(controls, session) for session in sessions],
        "doctor": [asdict(finding) for finding in diagnose(controls)],
    }


def _model(controls: OperatorControls) -> dict[str, object]:
    models = controls.models
    facts = models.model.facts
    return {
        "name": models.model.path.name,
        **{name: facts.get(name) for name in MODEL_FACTS},
        "loading": models.loading.name if models.loading else None,
        "error": models.error,
    }


def _recording(controls: OperatorControls) -> dict[str, object]:
    recorder = controls.recorder
    return {
        "on": recorder is not None,
        "folder": recorder.folder.name if recorder else None,
        "frames": recorder.frames if recorder else 0,
        "left_out": recorder.dropped if recorder else 0,
        "waiting": recorder.waiting if recorder else 0,
        "error": recorder.error if recorder else None,
        "seconds_kept": round(controls.recent_frames.seconds, 1),
        "finished": [
            {"name": recording.name, "path": str(recording.folders[0]), "frames": recording.frames}
            for recording in controls.finished
        ],
    }


def _simulator(controls: OperatorControls, session: DriveState) -> dict[str, object]:
    view = controls.view.simulators.get(session.number)
    return {
        "simulator": session.number,
        "answered": session.answered,
        "rate_hz": round(view.rate_hz, 1) if view else 0.0,
        "speed_mph": round(session.speed_mph, 2),
        "position": position(view.history) if view else None,
        "manual": session.manual,
        "waits": session.waits,
        "silent_s": round(time.monotonic() - session.last_telemetry_s, 1),
        "faults": dict(session.faults),
    }
