"""Collects the facts that a run's report states about its model, engine and computer."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inference.engine import Engine
from models.card import CardError, describes, read_card

PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "python-socketio", "eventlet", "numpy", "pillow")


def run_facts(model: Path, engine: Engine) -> dict[str, object]:
    """Model (path, sha256, card), engine, device, measured milliseconds a frame, host and package versions."""
    return {
        "model": str(model),
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "card": _card(model),
        "engine": engine.name,
        "device": engine.device,
        "engine_ms": round(engine.milliseconds(), 3),
        "notes": list(engine.notes),
        "host": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "packages": {name: number for name in PACKAGES if (number := _version(name))},
    }


def _card(model: Path) -> dict[str, object] | None:
    """The part of the model's card that the page shows; None when the model has no card of its own."""
    try:
        card = read_card(model)
        if not describes(card, model):
            return None
    except CardError:
        return None
    return {
        "model": card.model,
        "description": card.description,
        "parameters": card.parameters,
        "created": card.created,
        "recordings": [data.recording for data in card.data if data.trained],
        "frames": sum(data.trained for data in card.data),
        "epochs": card.epochs,
        "held_out": card.metrics.get("all", {}),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
