"""The shipped models' recipe: where it differs from the default one, and why."""

from __future__ import annotations

from dataclasses import replace

from training.run.recipe import Recipe

SHIPPED = replace(
    Recipe(),
    epochs=10,
    refit_epochs=3,
    rows_apart_s=0.14,
    expert_share=0.4,
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
"""People and the expert have half of each epoch. Checkpoints drive Udacity's own scenes; docs/training.md says more."""
