"""The section `trained`: how long it takes from recordings on the disk to a trained `eff`.

A short training is measured, and the shipped model's is estimated from it: by the images that it decoded and learned.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.gpu.child import figures_of
from benchmarks.gpu.plan import BenchmarkPlan, Clock
from benchmarks.gpu.recording import megabytes

CARD = Path("models/eff.json")


def measure_trained(plan: BenchmarkPlan, clock: Clock, work: Path) -> Iterator[str]:
    """Yield the times of one short training, and the estimate. work: a folder for the run."""
    assert plan.recording is not None
    arguments = [str(plan.recording), str(work / "run"), "--epochs", str(plan.epochs), "--steps", str(plan.steps)]
    arguments += ["--batch", str(plan.batch), "--started", str(time.time())]
    environment = {"STEERING_CACHE": str(work / "learn")}
    rows, reason = figures_of("benchmarks.gpu.learn", arguments, clock.left_s(), environment)
    if reason:
        clock.failures.append(f"a short training: {reason}")
        return
    (figures,) = rows
    yield "\n".join([*times(figures, megabytes(plan.recording)), *estimate(figures, json.loads(CARD.read_bytes()))])


def times(figures: Mapping[str, Any], recording_mb: float) -> list[str]:
    """What was measured."""
    epochs = figures["epoch_s"]
    return [
        f"a short training of {figures['model']} on {figures['backend']} ({figures['device']}), from a recording of"
        f" {recording_mb:.1f} MB to the model file: {figures['total_s']:.1f} s",
        f"  {figures['start_s']:.1f} s to start, {figures['ready_s']:.1f} s to build the network and to decode"
        f" {figures['decoded']:,} images once, which takes {figures['decode_s']:.1f} s by itself",
        f"  {len(epochs)} epochs of {figures['images']:,} images: {', '.join(f'{s:.1f} s' for s in epochs)};"
        " the first compiles, and each ends with a measurement of held-out rows",
    ]


def estimate(figures: Mapping[str, Any], card: Mapping[str, Any]) -> list[str]:
    """The same for as many images as the shipped model learned. card: the shipped model's."""
    decoded = 3 * sum(data["rows"] for data in card["data"])
    build_s = figures["ready_s"] - figures["decode_s"]
    decode_s = figures["decode_s"] / figures["decoded"] * decoded
    first_s, *others = figures["epoch_s"]
    image_s = min(others or [first_s]) / figures["images"]
    total_s = figures["start_s"] + build_s + decode_s + first_s + image_s * card["samples"]
    return [
        f"  estimated, not measured: {total_s:.0f} s for the shipped {card['model']}, which decoded at most {decoded:,}"
        f" images and learned {card['samples']:,}",
        f"  (batches of {card['recipe']['batch']} there); without the drives that choose among its checkpoints",
    ]
