"""The section `seeds`: JAX's training step of several seeds, side by side and one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gpu.child import figures_of
from benchmarks.gpu.plan import BenchmarkPlan, Clock

HEAD = f"{'network':<10}{'batch':>6}{'seeds':>7}{'one after another':>19}{'side by side':>14}{'ratio':>7}{'rounds':>8}"


def measure_seeds(plan: BenchmarkPlan, clock: Clock, work: Path) -> Iterator[str]:
    """Yield one table. work: a folder for decoded images and programs."""
    arguments = [str(plan.recording), str(work / "seeds"), "--networks", *plan.seed_networks]
    arguments += ["--seeds", str(plan.seeds), "--seconds", str(plan.seconds)]
    environment = {"STEERING_CACHE": str(work / "steps")}
    rows, reason = figures_of("benchmarks.gpu.side_by_side", arguments, clock.left_s(), environment)
    if rows:
        title = f"training steps of several seeds on jax ({rows[0]['device']}): medians for one step of all of them"
        yield "\n".join([title, f"  {HEAD}", *map(_row, rows)])
    for network in plan.seed_networks[len(rows) :]:
        clock.failures.append(f"{plan.seeds} seeds of {network} side by side: {reason}")


def _row(row: dict[str, Any]) -> str:
    return (
        f"  {row['network']:<10}{row['batch']:>6}{row['seeds']:>7}{row['alone_ms']:>16,.2f} ms"
        f"{row['together_ms']:>11,.2f} ms{row['alone_ms'] / row['together_ms']:>7.2f}{row['rounds']:>8}"
    )
