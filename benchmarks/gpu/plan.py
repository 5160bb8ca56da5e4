"""What is measured, and for how long: more where there is a GPU, and less on a processor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

SHARES = {"engines": 0.32, "training": 0.20, "seeds": 0.15, "trained": 0.19, "fleets": 0.14}
"""The sections, in their order, and the part of the whole time that each has."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train. form: of the layers, "shifted" copies or "grouped" convolutions; augmented: whether varied."""

    model: str = "eff"
    batch: int = 256
    form: str = "shifted"
    precision: str = "float32"
    augmented: bool = True


VARIANTS = (
    Variant(),
    Variant(augmented=False),
    Variant(form="grouped"),
    Variant(precision="mixed_bfloat16"),
    Variant(batch=32),
    Variant("baseline"),
    Variant(batch=32, augmented=False),
    Variant(batch=32, form="grouped"),
    Variant("baseline", augmented=False),
    Variant("baseline", form="grouped"),
    Variant("baseline", precision="mixed_bfloat16"),
    Variant("baseline", batch=32),
)
"""Each differs from the first of its network in one thing or two; the most telling come first, as time may end."""


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """All sizes. seconds: of each figure; largest: frames of the largest batch; seed_networks, seeds: trainings that
    learn side by side; recording: a folder, None until one is drawn; rows: of a drawn one; epochs, steps, batch: of the
    short training; clients: sizes of the fleets; minutes: for everything.
    """

    models: Sequence[Path] = (Path("models/eff.h5"), Path("models/baseline.h5"))
    engines: Sequence[str] = ("jax", "litert", "torch", "tensorflow", "keras")
    seconds: float = 0.5
    largest: int = 1024
    variants: Sequence[Variant] = VARIANTS
    seed_networks: Sequence[str] = ("eff-tiny", "eff")
    seeds: int = 3
    recording: Path | None = None
    rows: int = 1200
    epochs: int = 3
    steps: int = 200
    batch: int = 128
    clients: Sequence[int] = (1, 24, 60)
    fleet_engines: Sequence[str] = ("jax", "litert")
    fleet_s: float = 5.0
    minutes: float = 6.5


def smaller(plan: BenchmarkPlan) -> BenchmarkPlan:
    """The plan for a machine without a GPU."""
    return replace(
        plan,
        models=plan.models[:1],
        seconds=min(plan.seconds, 0.3),
        largest=min(plan.largest, 64),
        variants=[replace(variant, batch=32) for variant in plan.variants[:3]],
        seeds=2,
        rows=400,
        epochs=2,
        steps=8,
        batch=32,
        clients=[min(count, 8) for count in plan.clients[:2]],
        fleet_s=min(plan.fleet_s, 3.0),
        minutes=12.0,
    )


@dataclass(slots=True)
class Clock:
    """The time of one section. failures: a line for each figure that could not be measured."""

    end_s: float
    failures: list[str] = field(default_factory=list)

    def left_s(self) -> float:
        """Seconds until the section has to end, at least 0."""
        return max(0.0, self.end_s - time.monotonic())


def section_ends(sections: Sequence[str], minutes: float) -> dict[str, float]:
    """When each section has to end, in seconds from the start; what one leaves over goes to the next."""
    total = sum(SHARES[name] for name in sections)
    ends, passed = {}, 0.0
    for name in sections:
        passed += SHARES[name] / total
        ends[name] = 60 * minutes * passed
    return ends
