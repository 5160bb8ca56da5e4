"""Measure the engines of this machine with batches of 1 to 1,024 frames, on its GPU if there is one.

Each engine runs in a process of its own for each model, first with an empty cache of programs; then a second process
only opens the model, with the cache that the first has filled. Frames differ from each other, and are whole frames in
the host's memory. The column `alone` has frames that are already on the GPU. Cars are threads that ask for one frame
after another. The end says what this machine could not measure.

    python -m benchmarks.gpu
    python -m benchmarks.gpu models/eff.h5 --engines litert jax --seconds 2
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.command import run_benchmark
from inference.child_process import run_module
from protocol.command_line import command_parser

MODELS = [Path(f"models/{name}.h5") for name in ("eff", "baseline", "eff-small")]
ENGINES = ("litert", "jax", "torch", "tensorflow", "keras")
PACKAGES = ("jax", "torch", "tensorflow", "keras", "ai-edge-litert", "numpy")
LIMIT_S = 120
"""Much longer than any engine takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure_engines(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gpu", __doc__)
    parser.add_argument("models", nargs="*", type=Path, default=MODELS, help="model files (eff, baseline, eff-small)")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES, help="(default: all)")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure (default: %(default)s)")
    parser.add_argument("--largest", type=int, default=1024, help="frames of the largest batch (default: %(default)s)")
    return parser.parse_args(arguments)


def measure_engines(options: argparse.Namespace) -> None:
    """Measure every engine with every model and print a table for each."""
    print(f"{platform.machine()}, {os.cpu_count()} cores; {cards() or 'no NVIDIA GPU'}; {libraries()}")
    failures = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tqdm(total=len(options.engines)) as bar:
        for engine in options.engines:
            for model in options.models:
                cache = Path(folder) / f"{engine}-{model.stem}"
                try:
                    first = measured(engine, model, cache, options.seconds, options.largest)
                    again = measured(engine, model, cache, 0.0, options.largest)
                except (subprocess.TimeoutExpired, ValueError) as error:
                    failures.append(f"{engine}: {error}")
                    break
                tqdm.write(table(model, first, again["ready_s"]))
            bar.update()
    for failure in failures:
        print(f"not measured: {failure}")


def cards() -> str:
    """The GPUs' names, memory and drivers, as nvidia-smi prints them; empty without it."""
    if shutil.which("nvidia-smi") is None:
        return ""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    return "; ".join(subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines())


def libraries() -> str:
    """The installed libraries and their versions."""
    names = []
    for package in PACKAGES:
        try:
            names.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            names.append(f"no {package}")
    return ", ".join(names)


def measured(engine: str, model: Path, cache: Path, seconds: float, largest: int) -> dict[str, Any]:
    """The figures of `benchmarks.gpu.engine`, by name. Raises ValueError with the reason why there are none."""
    arguments = [engine, str(model), "--seconds", str(seconds), "--largest", str(largest)]
    environment = {**os.environ, "STEERING_CACHE": str(cache)}
    process = run_module(
        "benchmarks.gpu.engine", [*arguments, "--started", str(time.time())], LIMIT_S, environment=environment
    )
    if process.returncode:
        lines = process.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError(lines[-1] if lines else f"exit code {process.returncode}")
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


def table(model: Path, figures: dict[str, Any], ready_again_s: float) -> str:
    """The figures of one engine and model as lines of text."""
    difference = figures["difference"]
    compared = "LiteRT is not here to compare" if difference is None else f"at most {difference:.1e} from LiteRT"
    more = f"; the larger programs took {figures['prepare_s']:.1f} s more" if figures["prepare_s"] > 0.1 else ""
    lines = [
        f"\n{model.name} on {figures['engine']} ({figures['device']}), {compared}",
        f"  ready after {figures['ready_s']:.1f} s, and {ready_again_s:.1f} s with a filled cache{more}",
        f"  1 frame: p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms",
    ]
    for size, rate in figures["rates"].items():
        alone = f", alone {figures['alone'][size]:,.0f}" if size in figures["alone"] else ""
        lines.append(f"  {int(size):,} frames: {1000 / rate:.3f} ms a frame, {rate:,.0f} frames/s{alone}")
    for cars, (rate, p50_ms, p99_ms) in figures["cars"].items():
        lines.append(f"  {cars} cars: {rate:,.0f} frames/s, p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
