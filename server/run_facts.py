"""What a run's report says of its model, engine and computer."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from server.engine import Engine
from server.options import Options

PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "python-socketio", "eventlet", "numpy", "pillow")


def run_facts(options: Options, engine: Engine) -> dict[str, object]:
    """Model (path, sha256), engine, device, measured milliseconds a frame, pace, host and library versions."""
    return {
        "model": str(options.model),
        "model_sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
        "engine": engine.name,
        "device": engine.device,
        "engine_ms": round(engine.milliseconds(), 3),
        "notes": list(engine.notes),
        "target_speed_mph": None if options.throttle is not None else options.speed_mph,
        "constant_throttle": options.throttle,
        "host": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
