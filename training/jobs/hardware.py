"""What computer this is, for those who read its figures."""

from __future__ import annotations

import platform
from pathlib import Path

from inference.devices import available_cores


def hardware() -> str:
    """The processor's name as far as the system tells it, the cores, and the system."""
    return f"{_processor()}, {available_cores()} cores, {platform.system()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
