"""The section `training`: images a second of the compiled training step, in several ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gpu.child import figures_of
from benchmarks.gpu.plan import BenchmarkPlan, Clock, Variant

HEAD = f"{'network':<10}{'batch':>6}  {'layers':<9}{'precision':<16}{'varied':<8}{'images/s':>10}{'first step':>12}"


def measure_training(plan: BenchmarkPlan, clock: Clock, work: Path) -> Iterator[str]:
    """Yield one table. work: a folder for decoded images and programs."""
    variants = list(plan.variants)
    arguments = [str(plan.recording), str(work / "steps"), json.dumps([asdict(variant) for variant in variants])]
    environment = {"STEERING_CACHE": str(work / "steps")}
    rows, reason = figures_of(
        "benchmarks.gpu.steps", [*arguments, "--seconds", str(plan.seconds)], clock.left_s(), environment
    )
    if rows:
        device, backend = rows[0]["device"], rows[0]["backend"]
        yield "\n".join([f"training steps on {backend} ({device})", f"  {HEAD}", *map(_row, rows)])
    for variant in variants[len(rows) :]:
        clock.failures.append(f"training step of {_name(variant)}: {reason}")


def _name(variant: Variant) -> str:
    images = "varied images" if variant.augmented else "images as they are"
    return f"{variant.model} in batches of {variant.batch}, {variant.form} layers, {variant.precision}, {images}"


def _row(row: dict[str, Any]) -> str:
    variant = Variant(**row["variant"])
    is_varied = "yes" if variant.augmented else "no"
    return (
        f"  {variant.model:<10}{variant.batch:>6}  {variant.form:<9}{variant.precision:<16}{is_varied:<8}"
        f"{row['images_s']:>10,.0f}{row['ready_s']:>10.1f} s"
    )
