"""The section `fleets`: many simulators at one server process, each at 20 frames a second, by `benchmarks.fleet`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gpu.child import last_line
from benchmarks.gpu.plan import BenchmarkPlan, Clock
from inference.child_process import run_module

UNANSWERED = 1
"""`benchmarks.fleet` ends with this code if a telemetry stayed unanswered, which is a result."""


def measure_fleets(plan: BenchmarkPlan, clock: Clock, work: Path) -> Iterator[str]:
    """Yield the lines of each engine. work: unused, as the server keeps no files."""
    for place, engine in enumerate(plan.fleet_engines):
        arguments = [str(plan.models[0]), "--clients", *map(str, plan.clients), "--seconds", str(plan.fleet_s)]
        limit_s = clock.left_s() / (len(plan.fleet_engines) - place)
        try:
            process = run_module("benchmarks.fleet", [*arguments, "--server", f"--engine {engine}"], limit_s)
        except subprocess.TimeoutExpired:
            clock.failures.append(f"fleets on {engine}: they were stopped after {limit_s:.0f} s")
            continue
        if process.returncode not in (0, UNANSWERED):
            clock.failures.append(f"fleets on {engine}: {last_line(process.stderr)}")
            continue
        lines = process.stdout.decode(errors="replace").splitlines()
        yield "\n".join([f"fleets on {engine}", *(f"  {line}" for line in lines)])
