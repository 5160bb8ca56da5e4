"""Functions that the benchmarks' commands share: their models and their errors."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from protocol.command_line import run

MODELS = [Path("models/eff.h5"), Path("models/baseline.h5")]


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add the model files that a benchmark measures."""
    parser.add_argument("models", nargs="*", type=Path, default=MODELS, help="model files (eff.h5 and baseline.h5)")


def run_benchmark(measurement: Callable[[], int | None]) -> int:
    """Run a measurement and return its exit code; a server that does not start and the like are one line on stderr."""
    return run(measurement, "benchmark", (OSError, ValueError, RuntimeError))
