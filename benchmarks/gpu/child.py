"""A measurement in a process of its own, which prints each figure as a line of JSON as soon as it has it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from inference.child_process import run_module


def figures_of(
    module: str, arguments: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None
) -> tuple[list[dict[str, Any]], str]:
    """Run a module; returns the objects that it printed, and why there are no more, empty if it came to its end."""
    if limit_s <= 0:
        return [], "no time was left"
    try:
        process = run_module(module, arguments, limit_s, environment={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired as error:
        return _objects(error.output or b""), f"it was stopped after {limit_s:.0f} s"
    reason = last_line(process.stderr) or f"exit code {process.returncode}"
    return _objects(process.stdout), reason if process.returncode else ""


def last_line(errors: bytes) -> str:
    """The last line that a process wrote to its standard error."""
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _objects(output: bytes) -> list[dict[str, Any]]:
    """The lines that are whole JSON objects; others are what libraries write, or where the process was stopped."""
    objects = []
    for line in output.decode(errors="replace").splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            objects.append(value)
    return objects
