"""The section `engines`: single frames, batches and cars, on each engine and with each model.

Each engine runs in a process of its own for each model, first with an empty cache of programs; then a second process
only opens the model, with the cache that the first has filled.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gpu.child import figures_of
from benchmarks.gpu.plan import BenchmarkPlan, Clock

LIMIT_S = 100.0
"""Much longer than an engine takes with one model on a GPU."""


def measure_engines(plan: BenchmarkPlan, clock: Clock, work: Path) -> Iterator[str]:
    """Yield a table for each model and engine. work: a folder for caches."""
    failed = set()
    for model in plan.models:
        for engine in plan.engines:
            if engine in failed:
                continue
            with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as cache:
                first, reason = _measured(plan, clock, engine, model, Path(cache), plan.seconds)
                if reason:
                    failed.add(engine)
                    clock.failures.append(f"{engine} with {model.name}: {reason}")
                    continue
                again, _ = _measured(plan, clock, engine, model, Path(cache), 0.0)
            yield table(model, first[0], again[0]["ready_s"] if again else None)


def _measured(
    plan: BenchmarkPlan, clock: Clock, engine: str, model: Path, cache: Path, seconds: float
) -> tuple[list[dict[str, Any]], str]:
    arguments = [engine, str(model), "--seconds", str(seconds), "--largest", str(plan.largest)]
    arguments += ["--started", str(time.time())]
    limit_s = min(LIMIT_S, clock.left_s())
    return figures_of("benchmarks.gpu.engine", arguments, limit_s, {"STEERING_CACHE": str(cache)})


def table(model: Path, figures: dict[str, Any], ready_again_s: float | None) -> str:
    """The figures of one engine and model as lines of text."""
    difference = figures["difference"]
    compared = "LiteRT is not here to compare" if difference is None else f"at most {difference:.1e} from LiteRT"
    more = f"; the larger programs took {figures['prepare_s']:.1f} s more" if figures["prepare_s"] > 0.1 else ""
    again = "" if ready_again_s is None else f", and {ready_again_s:.1f} s with a filled cache"
    lines = [
        f"{model.name} on {figures['engine']} ({figures['device']}), {compared}",
        f"  ready after {figures['ready_s']:.1f} s{again}{more}",
        f"  1 frame: p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms",
    ]
    for size, rate in figures["rates"].items():
        alone = f", alone {figures['alone'][size]:,.0f}" if size in figures["alone"] else ""
        lines.append(f"  {int(size):,} frames: {1000 / rate:.3f} ms a frame, {rate:,.0f} frames/s{alone}")
    for cars, (rate, p50_ms, p99_ms) in figures["cars"].items():
        lines.append(f"  {cars} cars: {rate:,.0f} frames/s, p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms")
    return "\n".join(lines)
