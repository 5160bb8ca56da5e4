"""The shipped models' recipe: where it differs from the default one, and why."""

from __future__ import annotations

from dataclasses import replace

from training.run.recipe import Recipe

SHIPPED = replace(
    Recipe(),
    epochs=10,
    refit_epochs=3,
    rows_apart_s=0.14,
    huber_width=0.1,
    expert_share=0.35,
    tint=0.25,
    contrast_low=0.1,
    driven_checkpoints=2,
    trials=(
        ("udacity-lake", False, 25.0),
        ("udacity-lake", True, 25.0),
        ("udacity-jungle", False, 12.0),
        ("mountain", True, 12.0),
    ),
    dagger_tracks=("udacity-lake", "udacity-jungle"),
    replays=False,
)
"""The expert has a third of each epoch, and people the rest. Checkpoints drive Udacity's own scenes; docs/training.md
says more."""
