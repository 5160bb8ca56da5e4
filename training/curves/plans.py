"""The trainings behind each curve: all learn as many images, from the shipped models' recordings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from training.run.recipe import Recipe
from training.shipped.recipe import SHIPPED

BRIEF = replace(
    SHIPPED,
    epochs=3,
    refit_epochs=0,
    steps=2000,
    driven_checkpoints=1,
    trials=(
        ("udacity-lake", False, 25.0),
        ("udacity-lake", True, 25.0),
        ("udacity-jungle", False, 12.0),
        ("mountain", True, 12.0),
        ("random:301", False, 15.0),
    ),
)
"""192,000 images, a third of what the shipped models learn, so that five seeds of each network take hours, not days.
The last weights drive all kinds of track, and a random road that no model learned."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place on a curve. name: unique, for files and the table; model: a name in models.NETWORKS.

    position: on the picture's horizontal axis; None for the model's number of parameters.
    """

    name: str
    model: str
    recipe: Recipe = BRIEF
    position: float | None = None


SIZES = ("eff", "eff-small", "eff-tiny", "eff-mini", "eff-micro", "baseline", "baseline-tiny", "baseline-mini")
SHARES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8)

PLANS = {
    "size": tuple(Point(model, model) for model in SIZES),
    "expert": tuple(
        Point(f"expert-{round(100 * share)}", "eff-tiny", replace(BRIEF, expert_share=share), share) for share in SHARES
    ),
}
"""`size` asks how small a network may be; `expert` asks how large the expert's share of an epoch should be."""
